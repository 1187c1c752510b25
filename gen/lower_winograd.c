/*
 * lower_winograd: 3 x 3 convolutions of stride 1 by Winograd's F(4 x 4, 3 x 3), forward and
 * backward data (Lavin, Gray: "Fast algorithms for convolutional neural networks", 2016).
 *
 * Tiles of 6 x 6 pixels and the weights are transformed; each of the 36 positions is then a matrix
 * product, (tiles x input channels) x (input x output channels), and the sums transformed back are
 * tiles of 4 x 4 pixels: 36 multiplications where the direct kernel has 144.
 *
 * Items (winograd.c.t): a piece of work makes some tiles from beginning to end. The weights stream
 * through the cache once an item. Phases (winograd_phases.c.t): where the cache holds too few tiles
 * of so many channels, and the whole batch has not many, the weights are read once for all tiles.
 */
#include "lower.h"
#include "winograd.h"
#include <math.h>

enum {
    M = 4,
    R = 3,
    POSITIONS = (M + R - 1) * (M + R - 1),
    PIXEL_BYTES = 1280 * 1024, /* of the second-level cache, what an item's pixels may fill */
    SUM_BYTES = 256 * 1024,    /* likewise its sums */
    FEW_TILES = 48,            /* in an item, too few for the weights that are read for it, */
    MANY_TILES = 64,           /* and enough, though the cache does not hold them */
    PHASE_TILES = 1024,        /* of a batch, that are kept all at once */
    LEAST_CHANNELS = 32,       /* with fewer, errors are large beside the bound */
    SLOTS = 16,                /* threads that have scratch memory */
};

/* The cost model's. */
static const double EFFICIENCY = 0.9;    /* of products in registers */
static const double TRANSFORM = 170;     /* of a tile and block of channels, forth or back */
static const double BYTES_MEANWHILE = 2; /* from beyond the second-level cache */
static const double WORTH = 0.9;         /* of the direct kernel's cost, to be chosen */

/* ---- sizes ---- */

/* The largest divisor of COUNT that is a multiple of UNIT and at most MOST; or UNIT. */
static int largest_divisor(int count, int unit, int most)
{
    int best = unit;
    for (int d = unit; d <= count && d <= most; d += unit)
        if (count % d == 0)
            best = d;
    return best;
}

/* Whole images, or rows of tiles whose pixels are a multiple of ROW_MULTIPLE rows. */
static void choose_items(const struct lowering *l, struct winograd_plan *p, int most,
                         int row_multiple)
{
    int tiles = p->tiles_h * p->tiles_w, unit = row_multiple;
    while (unit % M != 0)
        unit += row_multiple;
    unit /= M;
    p->chunk_tiles = p->tiles_h;
    p->item_images = 1;
    if (tiles <= most)
        p->item_images = max_int(1, min_int(most / tiles, divide_up(l->batch, ITEMS)));
    else
        p->chunk_tiles = min_int(p->tiles_h, max_int(most / p->tiles_w / unit, 1) * unit);
    p->chunks = divide_up(p->tiles_h, p->chunk_tiles);
    p->chunk_rows = p->chunk_tiles * M;
}

/* Tiles and blocks of output channels that an item has, and of those in registers. */
static struct winograd_plan choose_plan(const struct lowering *l, const struct geometry *g,
                                        int out_h, int out_w, int row_multiple)
{
    struct winograd_plan p = {.tiles_h = divide_up(out_h, M), .tiles_w = divide_up(out_w, M)};
    int most = PIXEL_BYTES / (4 * POSITIONS * g->in_blocks * l->lanes);
    bool few = most < FEW_TILES;
    choose_items(l, &p, few ? MANY_TILES : most, row_multiple);
    p.phases = (few || divide_up(l->batch, p.item_images) < ITEMS / 2) && p.chunks == 1 &&
               l->batch * p.tiles_h * p.tiles_w <= PHASE_TILES;
    int tiles = (p.phases ? l->batch : p.item_images) * p.chunk_tiles * p.tiles_w;
    p.k_tile = choose_k_tile(g);
    p.tile = choose_columns(tiles, accumulators(l, g, p.k_tile));
    p.groups = divide_up(tiles, p.tile);
    p.k_chunk = largest_divisor(g->out_blocks, p.k_tile,
                                SUM_BYTES / (4 * POSITIONS * p.groups * p.tile * l->lanes));
    if (p.phases)
        p.k_chunk = g->out_blocks;
    return p;
}

/* ---- costs ---- */

/* In multiply-adds of a vector that a core could do meanwhile, the work of a whole batch: products,
 * which run at nine tenths of the peak; transforms of tiles; weights from beyond the second-level
 * cache, in training written there a step as well. */
static double winograd_cost(const struct lowering *l, const struct geometry *g,
                            const struct winograd_plan *p, int batch)
{
    double blocks_in = g->in_blocks, blocks_out = g->out_blocks, channels = blocks_in * l->lanes;
    double tiles = (double)batch * p->tiles_h * p->tiles_w;
    /* items' products go on while their weights come */
    double passes = p->phases ? 1 : ceil((double)batch / p->item_images) * p->chunks / 2;
    double weights = 4 * POSITIONS * channels * blocks_out * l->lanes / BYTES_MEANWHILE;
    return POSITIONS * tiles * channels * blocks_out / EFFICIENCY +
           TRANSFORM * tiles * (blocks_in + blocks_out) +
           weights * (passes + (l->training ? 2 : 0));
}

static double direct_cost(const struct lowering *l, const struct geometry *g, const struct axis *h,
                          const struct axis *w, int batch)
{
    double weights = 4.0 * R * R * g->in_c * g->out_blocks * l->lanes / BYTES_MEANWHILE;
    return batch * axis_pairs(h) * axis_pairs(w) * g->in_c * g->out_blocks / EFFICIENCY + weights;
}

bool choose_winograd(const struct lowering *l, const struct geometry *g, const struct axis *h,
                     const struct axis *w, int row_multiple, struct winograd_plan *plan)
{
    bool fits = g->kernel_h == R && g->kernel_w == R && g->stride_h == 1 && g->stride_w == 1 &&
                g->dilation_h == 1 && g->dilation_w == 1 && g->groups == 1 &&
                g->in_block == l->lanes && h->taps == R && w->taps == R;
    if (!fits || l->method == CONV_DIRECT || l->method == CONV_LANES)
        return false;
    *plan = choose_plan(l, g, h->out, w->out, row_multiple);
    if (l->method == CONV_WINOGRAD)
        return true;
    return g->in_c >= LEAST_CHANNELS && g->out_c >= LEAST_CHANNELS &&
           winograd_cost(l, g, plan, l->typical_batch) <
               direct_cost(l, g, h, w, l->typical_batch) * WORTH;
}

/* ---- calls ---- */

void add_transform(const struct lowering *l, struct value *transforms, const char *name,
                   const struct winograd_matrix *matrix)
{
    struct winograd_code code = winograd_print(l->arena, matrix, "x", "y");
    struct value *transform = value_table(l->arena), *lines = value_table(l->arena);
    for (int i = 0; i < code.lines.count; i++)
        value_text(lines, NULL, code.lines.items[i]);
    value_text(transform, "name", name);
    value_child(transform, "lines", lines);
    value_child(transforms, NULL, transform);
}

/* WEIGHT, packed as G says, transformed. */
static struct region *transformed_weight(struct lowering *l, const struct group *group,
                                         const struct geometry *g, const struct axis *h,
                                         const struct axis *w, struct region *weight)
{
    struct winograd f = winograd_make(M, R);
    int blocks = g->out_blocks * g->in_blocks;
    size_t floats = checked_multiply((size_t)blocks * POSITIONS, (size_t)l->lanes * l->lanes);
    struct region *region =
        l->training
            ? scratch(l, arena_printf(l->arena, "%s.winograd", weight->name), floats, "by position")
            : weights_region(l, weight->name, "winograd", floats);
    struct call *call =
        add_call(l, group, "winograd_weights.c.t",
                 arena_printf(l->arena, "winograd_weights_%d_to_%d", g->in_c, g->out_c),
                 "weights transformed");
    struct value *a = call->arguments, *transforms = value_table(l->arena);
    value_int(a, "N", f.n);
    value_int(a, "R", R);
    value_int(a, "BLOCKS", blocks);
    value_int(a, "TAP_FIRST", h->tap_first * R + w->tap_first);
    value_int(a, "TAP_ROW", h->tap_step * R);
    value_int(a, "TAP_COLUMN", w->tap_step);
    add_transform(l, transforms, "filter", &f.filter);
    value_child(a, "transforms", transforms);
    read_operand(l, call, "weight", weight);
    write_operand(l, call, "transformed", region);
    if (!l->training)
        prepare_call(l, call);
    return region;
}

static void add_plan(const struct lowering *l, struct value *a, const struct geometry *g,
                     const struct winograd_plan *p)
{
    struct winograd f = winograd_make(M, R);
    struct value *transforms = value_table(l->arena);
    add_transform(l, transforms, "input", &f.input);
    add_transform(l, transforms, "output", &f.output);
    value_child(a, "transforms", transforms);
    value_int(a, "M", M);
    value_int(a, "N", f.n);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "OUT_BLOCKS", g->out_blocks);
    value_int(a, "TILES_W", p->tiles_w);
    value_int(a, "CHUNK_TILES", p->chunk_tiles);
    value_int(a, "CHUNKS", p->chunks);
    value_int(a, "ITEM_IMAGES", p->item_images);
    value_int(a, "TILE", p->tile);
    value_int(a, "K_TILE", p->k_tile);
    value_int(a, "GROUPS", p->groups);
    value_int(a, "K_CHUNK", p->k_chunk);
    value_int(a, "SLOTS", SLOTS);
}

struct call *start_winograd(struct lowering *l, const struct group *group, const char *what,
                            const char *label, const struct geometry *g, const struct axis *h,
                            const struct axis *w, const struct winograd_plan *p, struct region *in,
                            struct region *weight)
{
    struct geometry image = head_geometry(l, group->head);
    const char *name =
        arena_printf(l->arena, "winograd_%dx%dx%d_to_%dx%dx%d_%s", image.in_c, image.in_h,
                     image.in_w, image.out_c, image.out_h, image.out_w, what);
    weight = transformed_weight(l, group, g, h, w, weight);
    size_t slot = (size_t)POSITIONS * p->groups * p->tile * (g->in_blocks + p->k_chunk) * l->lanes;
    struct region *room =
        scratch(l, arena_printf(l->arena, "%s.%s.tiles", group->head->name, what),
                checked_multiply(slot, p->phases ? 1 : SLOTS),
                p->phases ? "pixels and sums" : "pixels and sums of some tiles a thread");
    struct call *call =
        add_call(l, group, p->phases ? "winograd_phases.c.t" : "winograd.c.t", name, label);
    add_axis(l, call->arguments, "H", h);
    add_axis(l, call->arguments, "W", w);
    add_plan(l, call->arguments, g, p);
    read_operand(l, call, "in", in);
    read_operand(l, call, "weight", weight);
    write_operand(l, call, "scratch", room);
    outer_operands(call, 1);
    return call;
}
