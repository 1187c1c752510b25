/*
 * lower_winograd_weights: the gradient of 3 x 3 weights of stride 1 by Winograd's F(3 x 3, 4 x 4)
 * (Lavin, Gray: "Fast algorithms for convolutional neural networks", 2016, section 4): the image is
 * correlated with its output's gradient, which here is the filter, tile by tile.
 *
 * Tiles of 4 x 4 of the gradient and of the 6 x 6 pixels that they met are transformed; each of the
 * 36 positions is then a matrix product, (output channels x tiles) x (tiles x input channels), and
 * only its sum over all tiles is transformed back. A piece of work is a split of the batch and a
 * chunk of the channels, so many that its sums and a block of transformed tiles stay in the
 * second-level cache; each chunk transforms its channels anew, which costs a tenth of the products
 * and less than to fetch transformed tiles from memory.
 */
#include "lower.h"

enum {
    TILE = 4, /* of the gradient */
    TAPS = 3,
    N = TILE + TAPS - 1,
    POSITIONS = N * N,
    BLOCK_TILES = 32,                /* between loads and stores of the sums */
    CHUNK_BYTES = 1280 * 1024,       /* of the second-level cache: sums and transformed tiles */
    PARTIAL_BYTES = 8 * 1024 * 1024, /* all partial gradients of a weight */
    SPLIT_TILES = 32,                /* at least, that its sums are transformed back for */
    LEAST_TILES = 8,                 /* fewer: their rounding shows in a sum so short */
    SLOTS = 16,                      /* threads that have scratch memory */
};

struct weights_plan {
    struct winograd transform;
    int tiles_h, tiles_w; /* of an image */
    int k_tile, c_tile;   /* accumulators: blocks of output x input channels */
    int k_chunk, c_chunk; /* blocks of channels of a piece of work */
    int block;            /* tiles that are transformed at once */
    int splits, split_images;
    size_t slot; /* floats of scratch memory a thread */
};

/* ---- sizes ---- */

/* F(3, 4) whose gradient's transform is not divided, but for what keeps its coefficients small: it
 * runs for each tile, the output's transform, which makes up for it, once. */
static struct winograd scaled_winograd(void)
{
    struct winograd f = winograd_make(TAPS, TILE);
    for (int j = 0; j < N; j++) {
        double *row = f.filter.at[j], scale = row[2] != 0 ? row[2] : row[0] + row[TILE - 1];
        for (int k = 0; k < TILE; k++)
            row[k] /= scale;
        for (int i = 0; i < TAPS; i++)
            f.output.at[i][j] *= scale;
    }
    return f;
}

/* A vector more a position: no two positions of a tile in one set of the first-level cache. */
static size_t pixel_floats(const struct lowering *l, const struct weights_plan *p)
{
    return (size_t)(p->c_chunk * p->block + 1) * l->lanes;
}

static size_t gradient_floats(const struct lowering *l, const struct weights_plan *p)
{
    return (size_t)(p->k_chunk * p->block + 1) * l->lanes;
}

static size_t sum_floats(const struct lowering *l, const struct weights_plan *p)
{
    return (size_t)(p->k_chunk * p->c_chunk * l->lanes + 1) * l->lanes;
}

static size_t slot_floats(const struct lowering *l, const struct weights_plan *p)
{
    return POSITIONS * (pixel_floats(l, p) + gradient_floats(l, p) + sum_floats(l, p));
}

/* The chunk that transforms the fewest vectors, of those that fit the cache. */
static void choose_chunk(const struct lowering *l, const struct geometry *g, struct weights_plan *p)
{
    int blocks = g->out_blocks / g->spans, fewest = 0;
    struct weights_plan tried = *p;
    for (tried.k_chunk = p->k_tile; tried.k_chunk <= blocks; tried.k_chunk += p->k_tile)
        for (tried.c_chunk = 1; tried.c_chunk <= g->in_blocks; tried.c_chunk++) {
            if (blocks % tried.k_chunk != 0 || g->in_blocks % tried.c_chunk != 0)
                continue;
            int vectors =
                blocks * g->in_blocks / tried.k_chunk + blocks * g->in_blocks / tried.c_chunk;
            tried.slot = slot_floats(l, &tried);
            if (fewest && (vectors >= fewest || 4 * tried.slot > CHUNK_BYTES))
                continue;
            fewest = vectors;
            *p = tried;
        }
}

/* Splits of the batch until there are enough pieces, while partial gradients stay small. */
static void choose_splits(const struct lowering *l, const struct geometry *g,
                          struct weights_plan *p)
{
    int tiles = p->tiles_h * p->tiles_w;
    int chunks = g->out_blocks / p->k_chunk * (g->in_blocks / p->c_chunk);
    size_t bytes = (size_t)4 * g->out_blocks * g->in_blocks * TAPS * TAPS * l->lanes * l->lanes;
    p->splits = 1;
    while (p->splits * chunks < ITEMS && p->splits * 2 <= l->batch &&
           bytes * p->splits * 2 <= PARTIAL_BYTES &&
           l->batch / (p->splits * 2) * tiles >= SPLIT_TILES)
        p->splits *= 2;
    p->split_images = divide_up(l->batch, p->splits);
    p->splits = divide_up(l->batch, p->split_images);
}

static struct weights_plan choose_plan(const struct lowering *l, const struct geometry *g)
{
    struct weights_plan p = {.transform = scaled_winograd(),
                             .tiles_h = divide_up(g->out_h, TILE),
                             .tiles_w = divide_up(g->out_w, TILE),
                             .k_tile = choose_k_tile(g)};
    int most = min_int(accumulators(l, g, p.k_tile), 8);
    for (p.c_tile = l->lanes; p.c_tile > most; p.c_tile /= 2)
        ;
    p.block = min_int(BLOCK_TILES, p.tiles_h * p.tiles_w * l->batch);
    choose_chunk(l, g, &p);
    choose_splits(l, g, &p);
    return p;
}

/* ---- costs ---- */

#define WORTH 0.9 /* of the direct kernel's cost: what the estimates may be wrong by */

/* Multiply-adds of vectors, for a typical batch. */
static double direct_cost(const struct lowering *l, const struct geometry *g)
{
    return g->flops / (2 * l->lanes) * l->typical_batch;
}

/* The same for P: products; transforms, which wait for memory twice as long as they compute; and
 * the sums' way back, once a split. */
static double winograd_cost(const struct lowering *l, const struct geometry *g,
                            const struct weights_plan *p)
{
    enum { PIXEL_COST = 500, GRADIENT_COST = 450, SUM_COST = 400 };
    int blocks = g->out_blocks / g->spans, chunks_k = blocks / p->k_chunk;
    int chunks_c = g->in_blocks / p->c_chunk;
    double tiles = (double)p->tiles_h * p->tiles_w * l->typical_batch;
    double vectors = (double)blocks * g->in_blocks * l->lanes; /* of a position's sums */
    double tile = POSITIONS * vectors + PIXEL_COST * g->in_blocks * chunks_k +
                  GRADIENT_COST * blocks * chunks_c;
    return g->spans * (tiles * tile + SUM_COST * vectors * p->splits);
}

static bool choose_winograd_weights(const struct lowering *l, const struct geometry *g,
                                    struct weights_plan *p)
{
    bool fits = g->kernel_h == TAPS && g->kernel_w == TAPS && g->stride_h == 1 &&
                g->stride_w == 1 && g->dilation_h == 1 && g->dilation_w == 1 && !g->window &&
                g->spans == g->groups && g->in_block == l->lanes;
    if (!fits || (l->method != CONV_WINOGRAD && l->method != CONV_BY_COST))
        return false;
    *p = choose_plan(l, g);
    return l->method == CONV_WINOGRAD || (p->tiles_h * p->tiles_w * l->batch >= LEAST_TILES &&
                                          winograd_cost(l, g, p) < direct_cost(l, g) * WORTH);
}

/* ---- the call ---- */

static void add_sizes(const struct lowering *l, struct value *a, const struct geometry *g,
                      const struct weights_plan *p, size_t floats)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    add_axis(l, a, "H", &h);
    add_axis(l, a, "W", &w);
    value_int(a, "TILE", TILE);
    value_int(a, "N", N);
    value_int(a, "TAPS", TAPS);
    value_int(a, "TILES_H", p->tiles_h);
    value_int(a, "TILES_W", p->tiles_w);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "SPANS", g->spans);
    value_int(a, "SPAN_BLOCKS", g->out_blocks / g->spans);
    value_int(a, "K_TILE", p->k_tile);
    value_int(a, "C_TILE", p->c_tile);
    value_int(a, "K_CHUNK", p->k_chunk);
    value_int(a, "C_CHUNK", p->c_chunk);
    value_int(a, "BLOCK", p->block);
    value_int(a, "PIXELS", (long long)pixel_floats(l, p));
    value_int(a, "GRADIENTS", (long long)gradient_floats(l, p));
    value_int(a, "SUMS", (long long)sum_floats(l, p));
    value_int(a, "SLOTS", SLOTS);
    value_int(a, "SPLITS", p->splits);
    value_int(a, "SPLIT_IMAGES", p->split_images);
    value_int(a, "FLOATS", (long long)floats);
}

bool lower_winograd_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                            struct region *dy, struct region *gradient)
{
    struct weights_plan p;
    if (!choose_winograd_weights(l, g, &p))
        return false;
    const char *name = group->head->name;
    struct region *partial = partial_gradients(l, group, gradient, p.splits);
    struct region *room = scratch(l, arena_printf(l->arena, "%s.weight.tiles", name),
                                  checked_multiply(p.slot, SLOTS), "sums and some tiles a thread");
    struct call *call = add_call(l, group, "winograd_gradient.c.t",
                                 geometry_name(l, g, "backward_weights"), "backward weights");
    call->winograd = true;
    struct value *a = call->arguments, *transforms = value_table(l->arena);
    add_sizes(l, a, g, &p, gradient->floats);
    add_transform(l, transforms, "input", &p.transform.input);
    add_transform(l, transforms, "filter", &p.transform.filter);
    add_transform(l, transforms, "output", &p.transform.output);
    value_child(a, "transforms", transforms);
    add_costs(l, call, g, g->flops, group->raw);
    read_operand(l, call, "in", region_of(l, group->input));
    read_operand(l, call, "out_gradient", dy);
    write_operand(l, call, "gradient", partial);
    write_operand(l, call, "scratch", room);
    outer_operands(call, 2);
    count_operand(l, call);
    sum_partials(l, group, partial, gradient, p.splits, p.split_images);
    return true;
}
