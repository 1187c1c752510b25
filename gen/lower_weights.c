/*
 * lower_weights: the gradient of convolution and linear weights, a sum over samples and pixels of
 * in * out_gradient. Pieces of the weight and splits of the batch are pieces of work; each split
 * has a partial gradient of its own, and they are summed in order.
 */
#include "lower.h"

#include <math.h>

enum {
    WEIGHTS_L1_BYTES = 24 * 1024, /* of the first-level cache, what pixels may fill */
    PIECE_BYTES = 640 * 1024,     /* of the second level, what a piece of the gradient may fill */
    PIXEL_BYTES = 1024 * 1024,    /* likewise all pixels of a batch that pieces read again */
    LAST_CACHE_BYTES = 8 * 1024 * 1024, /* of the last level, what a program may count on */
    PARTIAL_BYTES = 8 * 1024 * 1024,    /* all partial gradients of a weight */
    MOST_SPLITS = 16,
    SPLIT_PIXELS = 64, /* that a split of a small layer sums at least */
    NARROW_COLUMNS = 14
};

struct weights_plan {
    int c_tile, k_tile;                 /* accumulators: c x k, for each tap or pixel of */
    int tap_tile, pixel_tile;           /* these, of which one is 1 */
    int image_chunk, row_chunk, chunks; /* in the first-level cache */
    int splits, split_images;
    int k_group, c_group; /* blocks an item covers */
    int narrow;           /* of its tiles of k_tile blocks, that have one less */
    int i_tile, r_tile;   /* narrow: channels of a group x rows of taps x taps of a row */
    int columns;          /* narrow: of a tile */
};

static int channels_of(const struct geometry *g)
{
    return g->in_block == 1 ? g->in_blocks : min_int(g->in_c, g->in_block);
}

/* Input channels of a tile, at most MOST. */
static int choose_c_tile(const struct lowering *l, const struct geometry *g, int most)
{
    int tile = 1, channels = channels_of(g);
    for (int c = 1; c <= most && c <= channels; c++)
        if ((g->in_block == l->lanes ? l->lanes : channels) % c == 0) /* no tile beyond a block */
            tile = c;
    return tile;
}

/* How many channels may have the sums of all taps of a row in registers, so that a pixel is fetched
 * once for all of them; 0: too few to hide a multiply-add's latency (of 16 registers), or rows are
 * too short or their pixels not neighbours. */
static int channels_by_row(const struct lowering *l, const struct geometry *g, int k_tile)
{
    enum { LEAST_SUMS = 16, MOST_CHANNELS = 8, LEAST_TIMES = 2 };
    int gradients = g->kernel_w * k_tile, reach = (g->kernel_w - 1) * g->dilation_w;
    int most = (l->program->isa->registers - gradients - 1) / gradients;
    int c_tile = choose_c_tile(l, g, min_int(most, MOST_CHANNELS));
    bool fits = g->kernel_w > 1 && g->stride_w == 1 && g->in_block == l->lanes &&
                g->out_w >= LEAST_TIMES * reach && gradients * c_tile >= LEAST_SUMS &&
                c_tile <= most;
    return fits ? c_tile : 0;
}

/* Blocks of output channels of a tile: of sixteen registers, three make twelve sums of four input
 * channels where two make eight, which just hide a multiply-add's latency; some tiles then have two
 * blocks. */
static int weights_k_tile(const struct lowering *l, const struct geometry *g)
{
    int k = choose_k_tile(g), blocks = g->out_blocks / g->spans;
    bool more = is_pointwise(l, g) && l->program->isa->registers < 32 && blocks > 2;
    return k == 2 && more ? 3 : k;
}

static void choose_weight_tiles(const struct lowering *l, const struct geometry *g,
                                struct weights_plan *p)
{
    p->k_tile = weights_k_tile(l, g);
    p->tap_tile = p->pixel_tile = 1;
    p->c_tile = channels_by_row(l, g, p->k_tile);
    if (p->c_tile > 0) {
        p->tap_tile = g->kernel_w;
        return;
    }
    int most = (l->program->isa->registers - p->k_tile - 1) / p->k_tile;
    p->c_tile = choose_c_tile(l, g, min_int(most, 8));
    p->pixel_tile = p->c_tile * p->k_tile >= LATENCY_SUMS || g->out_w < 8 ? 1 : 4;
    while (p->pixel_tile * p->c_tile > most)
        p->pixel_tile /= 2;
}

static void choose_weight_blocking(const struct lowering *l, const struct geometry *g,
                                   struct weights_plan *p)
{
    int x_row = 4 * g->in_w * g->stride_h * (g->in_block > l->lanes ? 16 : g->in_block);
    int row = x_row + 4 * g->out_w * l->lanes * p->k_tile;
    p->row_chunk = max_int(1, min_int(g->out_h, WEIGHTS_L1_BYTES / row));
    if (p->row_chunk < g->out_h)
        p->row_chunk = divide_up(g->out_h, divide_up(g->out_h, p->row_chunk));
    p->chunks = divide_up(g->out_h, p->row_chunk);
    p->image_chunk = p->chunks > 1 ? 1 : max_int(1, WEIGHTS_L1_BYTES / (row * g->out_h));
    p->image_chunk = min_int(p->image_chunk, l->batch);
}

/* Most splits of the batch. Where all pixels stay in the second-level cache, pieces of the weight
 * read them again at no cost: splits, whose gradients must be summed, are only for what pieces
 * leave of the threads. */
static int most_splits(const struct lowering *l, const struct geometry *g,
                       const struct weights_plan *p)
{
    size_t floats = (size_t)g->image_blocks * g->in_block * g->in_h * g->in_w +
                    (size_t)g->out_blocks * l->lanes * g->out_h * g->out_w;
    if (4 * floats * l->batch > PIXEL_BYTES)
        return MOST_SPLITS;
    int wanted = divide_up(ITEMS, g->out_blocks / p->k_tile);
    int fit = l->batch * g->out_h * g->out_w / SPLIT_PIXELS;
    return max_int(1, min_int(min_int(wanted, fit), MOST_SPLITS));
}

/* What a way to cut a weight and the batch costs; the first difference between two decides. */
struct price {
    int idle;     /* pieces too few to keep threads busy */
    double spilt; /* bytes of a piece beyond its share of the second-level cache */
    double again; /* bytes that come from memory more than once */
};

/* The pixels of the input are fetched a tile ahead, so that it is cheap to read them again as long
 * as the last cache has them; those of the output's gradient come in less evenly. A split's
 * gradient is cleared, summed and summed up, beside the pixels. The factors are fitted to what the
 * layers of tests/bench/pointwise.lua and grouped.lua take. */
static struct price price_of(const struct lowering *l, const struct geometry *g,
                             const struct weights_plan *p, size_t gradient)
{
    double in = 4.0 * l->batch * g->image_blocks * g->in_block * g->in_h * g->in_w;
    double out = 4.0 * l->batch * g->out_blocks * l->lanes * g->out_h * g->out_w;
    int k_groups = g->out_blocks / g->spans / p->k_group, c_groups = g->in_blocks / p->c_group;
    int pieces = p->splits * g->spans * k_groups * c_groups;
    double piece = (double)gradient / (g->spans * k_groups * c_groups);
    return (struct price){
        .idle = max_int(0, ITEMS - pieces),
        .spilt = fmax(0, piece - PIECE_BYTES),
        .again = in * (k_groups - 1) * (in <= LAST_CACHE_BYTES ? 0.25 : 1) +
                 out * (c_groups - 1) * 1.5 +
                 (p->splits > 1 ? 4.0 * p->splits * (double)gradient : 0),
    };
}

static bool is_cheaper(struct price a, struct price b)
{
    if (a.idle != b.idle)
        return a.idle < b.idle;
    return a.spilt != b.spilt ? a.spilt < b.spilt : a.again < b.again;
}

/* How many of the tiles of K_TILE blocks that make K_GROUP of G have one less; -1: no such tiles
 * do, for those of two blocks have none narrower, nor have those that meet several taps. */
static int narrow_tiles(const struct lowering *l, const struct geometry *g, int k_tile, int k_group)
{
    int missing = (k_tile - k_group % k_tile) % k_tile;
    bool narrower = k_tile > 2 && is_pointwise(l, g) && missing * (k_tile - 1) <= k_group;
    return missing == 0 || narrower ? missing : -1;
}

/* Splits of the batch while their partial gradients stay small, and pieces of the weight. */
static void choose_weight_items(const struct lowering *l, const struct geometry *g,
                                struct weights_plan *p)
{
    size_t bytes = (size_t)4 * g->out_blocks * l->lanes * g->in_blocks * g->weight_rows *
                   g->kernel_h * g->kernel_w;
    int k = g->out_blocks / g->spans, c = g->in_blocks;
    int most = min_int(most_splits(l, g, p), l->batch);
    struct weights_plan plan = *p;
    struct price least = {.idle = ITEMS + 1};
    for (int splits = 1; splits <= most && (splits == 1 || bytes * splits <= PARTIAL_BYTES);
         splits *= 2) {
        plan.split_images = divide_up(l->batch, splits);
        plan.splits = divide_up(l->batch, plan.split_images);
        for (plan.k_group = k; plan.k_group > 0; plan.k_group--)
            for (plan.c_group = c; plan.c_group > 0; plan.c_group--) {
                plan.narrow = narrow_tiles(l, g, p->k_tile, plan.k_group);
                bool divides = k % plan.k_group == 0 && c % plan.c_group == 0;
                if (!divides || plan.narrow < 0 ||
                    (g->in_block == 1 && plan.c_group < c)) /* planes are one group */
                    continue;
                struct price price = price_of(l, g, &plan, bytes);
                if (is_cheaper(price, least)) {
                    least = price;
                    *p = plan;
                }
            }
    }
}

/* Channels of a group and rows of taps at once, so that their sums stay in registers: all rows if
 * that leaves two channels, for then a permuted pixel is done with. A row of pixels meets all rows
 * of taps at stride 1 alone. */
static void choose_narrow_tiles(const struct lowering *l, const struct geometry *g,
                                struct weights_plan *p)
{
    int most = l->program->isa->registers / 2 + 2;
    int rows = 1, taps = g->kernel_h * g->kernel_w;
    if (g->stride_h == 1 && taps * min_int(g->group_in, 2) <= most)
        rows = g->kernel_h;
    p->k_tile = p->i_tile = 1;
    for (int i = 2; i <= g->group_in && i * g->kernel_w * rows <= most; i++)
        if (g->group_in % i == 0)
            p->i_tile = i;
    p->r_tile = 1;
    if (g->stride_h == 1)
        p->r_tile = choose_columns(g->kernel_h, max_int(1, most / (p->i_tile * g->kernel_w)));
    p->columns = choose_columns(g->out_w, NARROW_COLUMNS);
}

/* What both kernels of the weights' gradient take. */
static void add_shared_arguments(const struct lowering *l, struct value *a,
                                 const struct geometry *g, const struct weights_plan *p,
                                 size_t floats)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    add_axis(l, a, "H", &h);
    add_axis(l, a, "W", &w);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "OUT_BLOCKS", g->out_blocks);
    value_int(a, "IMAGE_CHUNK", p->image_chunk);
    value_int(a, "ROW_CHUNK", p->row_chunk);
    value_int(a, "SPLITS", p->splits);
    value_int(a, "SPLIT_IMAGES", p->split_images);
    value_int(a, "FLOATS", (long long)floats);
}

static void add_narrow_arguments(const struct lowering *l, struct value *a,
                                 const struct geometry *g, const struct weights_plan *p)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    value_int(a, "IMAGE_BLOCKS", g->image_blocks);
    value_int(a, "R_TILE", p->r_tile);
    value_int(a, "I_TILE", p->i_tile);
    add_groups(l, a, g);
    struct row row = divide_row(w.out, p->columns, 1, 1);
    add_segments(l, a, &w, &row);
    add_tile_shapes(l, a, &w, 1, &row);
}

static void add_dense_arguments(const struct lowering *l, struct value *a, const struct geometry *g,
                                const struct weights_plan *p)
{
    bool planar = g->in_block == 1;
    value_flag(a, "pointwise", is_pointwise(l, g));
    value_int(a, "IN_BLOCK", g->in_block);
    value_int(a, "SPANS", g->spans);
    value_int(a, "SPAN_BLOCKS", g->out_blocks / g->spans);
    value_int(a, "TAPS", g->kernel_h * g->kernel_w);
    value_int(a, "C_TILE", p->c_tile);
    value_int(a, "K_TILE", p->k_tile);
    value_int(a, "TAP_TILE", p->tap_tile);
    value_int(a, "PIXEL_TILE", p->pixel_tile);
    value_int(a, "C_STRIDE_IN", planar ? g->in_h * g->in_w : 1);
    value_int(a, "C_STRIDE_WEIGHT", planar ? g->kernel_h * g->kernel_w * l->lanes : l->lanes);
    /* planar: all channels are one group of C_COUNT; else blocks of C_COUNT */
    value_int(a, "C_COUNT",
              planar ? g->in_blocks : round_up(min_int(g->in_c, g->in_block), p->c_tile));
    value_int(a, "C_LAST",
              planar ? g->in_blocks
                     : round_up(g->in_c - (g->in_blocks - 1) * g->in_block, p->c_tile));
    value_int(a, "C_BLOCKS", planar ? 1 : g->in_blocks);
    value_int(a, "C_GROUP", planar ? 1 : p->c_group);
    value_int(a, "K_GROUP", p->k_group);
    value_int(a, "NARROW", p->narrow);
    value_int(a, "CHUNKS", p->chunks);
}

/* ---- partial gradients ---- */

struct region *partial_gradients(struct lowering *l, const struct group *group,
                                 struct region *gradient, int splits)
{
    if (splits == 1)
        return gradient;
    return scratch(l, arena_printf(l->arena, "%s.weight.partial", group->head->name),
                   checked_multiply((size_t)splits, gradient->floats),
                   arena_printf(l->arena, "%d partial gradients", splits));
}

void sum_partials(struct lowering *l, const struct group *group, struct region *partial,
                  struct region *gradient, int splits, int split_images)
{
    if (splits == 1)
        return;
    struct call *call = add_call(l, group, "sum_splits.c.t",
                                 arena_printf(l->arena, "sum_%d_of_%zu", splits, gradient->floats),
                                 "backward weights, sum of parts");
    value_int(call->arguments, "SPLITS", splits);
    value_int(call->arguments, "SPLIT_IMAGES", split_images);
    value_int(call->arguments, "FLOATS", (long long)gradient->floats);
    read_operand(l, call, "partial", partial);
    write_operand(l, call, "sum", gradient);
    count_operand(l, call);
}

/* ---- the calls ---- */

/* G, or where it is a product of matrices, with its pixels in rows as long as the first-level cache
 * takes, for a row's end costs time. */
static struct geometry long_rows(const struct lowering *l, const struct geometry *g)
{
    struct geometry long_g = *g;
    int pixels = g->in_h * g->in_w, pixel = 4 * l->lanes * (1 + weights_k_tile(l, g));
    bool matrix = is_pointwise(l, g) && g->in_h == g->out_h && g->in_w == g->out_w &&
                  g->stride_h == 1 && g->stride_w == 1;
    for (int width = WEIGHTS_L1_BYTES / pixel; matrix && width > g->in_w; width--)
        if (pixels % width == 0) {
            long_g.in_w = long_g.out_w = width;
            long_g.in_h = long_g.out_h = pixels / width;
            break;
        }
    return long_g;
}

static void lower_direct_weights(struct lowering *l, const struct group *group,
                                 const struct geometry *image, struct region *dy,
                                 struct region *gradient)
{
    struct geometry rows = long_rows(l, image), *g = &rows;
    struct weights_plan p = {0};
    bool narrow = g->window > 0;
    if (narrow)
        choose_narrow_tiles(l, g, &p);
    else
        choose_weight_tiles(l, g, &p);
    choose_weight_blocking(l, g, &p);
    if (narrow)
        p.row_chunk *= g->stride_h; /* rows of the input */
    choose_weight_items(l, g, &p);
    struct region *partial = partial_gradients(l, group, gradient, p.splits);
    struct region *in = dense_input(l, group);
    struct call *call = add_call(l, group, narrow ? "conv_weights_narrow.c.t" : "conv_weights.c.t",
                                 geometry_name(l, image, "backward_weights"), "backward weights");
    add_shared_arguments(l, call->arguments, g, &p, gradient->floats);
    if (narrow)
        add_narrow_arguments(l, call->arguments, g, &p);
    else
        add_dense_arguments(l, call->arguments, g, &p);
    add_costs(l, call, g, g->flops, group->raw);
    read_operand(l, call, "in", in);
    read_operand(l, call, "out_gradient", dy);
    write_operand(l, call, "gradient", partial);
    count_operand(l, call);
    sum_partials(l, group, partial, gradient, p.splits, p.split_images);
}

void lower_conv_weights(struct lowering *l, const struct group *group, struct region *dy)
{
    struct geometry g = dense_geometry(l, group->head);
    int weight = group->head->inputs[1]->id;
    struct region *gradient = l->of_gradient[weight];
    if (g.samples > 1) {
        lower_samples_weights(l, group, &g, dy, gradient);
        return;
    }
    if (!lower_linear_weights(l, group, &g, dy, gradient) &&
        !lower_lanes_weights(l, group, &g, dy, gradient) &&
        !lower_winograd_weights(l, group, &g, dy, gradient) &&
        !lower_planar_weights(l, group, &g, dy, gradient))
        lower_direct_weights(l, group, &g, dy, gradient);
    if (g.window > 0 ? g.window > 1 : g.spans < g.groups) {
        struct call *call =
            add_call(l, group, "mask_groups.c.t", "mask_groups", "backward weights, other groups'");
        text_operand(l, call, "const struct lathe_parameter *", "parameter",
                     arena_printf(l->arena, "&parameters[%d]", l->parameter_index[weight]));
        write_operand(l, call, "gradient", gradient);
    }
}
