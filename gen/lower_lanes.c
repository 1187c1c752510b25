/*
 * lower_lanes: convolution to few channels, with pixels of a row in the lanes of a vector.
 *
 * The direct kernel has a block of output channels in its lanes: of 6 channels 10 of 16 lanes
 * compute what nobody needs. Where they are so few, an accumulator is one channel of V neighbouring
 * pixels instead, a tap is a vector of pixels times a weight for all lanes, and the sums are
 * transposed before they are stored. The pixels are copied first, a plane a channel with the
 * padding's zeros around it, so that no tap needs to look where the image ends:
 *
 *     (H, W, V) or (C, H, W)  --copy-->  padded (C, PADDED_H, PADDED_W)  --taps-->  sum[k][pixels]
 *
 * The gradient of the weights sums such products lane by lane, and the lanes in the end. Where a
 * training batch fills the lanes with samples (lower_samples.c), that is better still.
 */
#include "lower.h"

enum {
    MOST_SPLITS = 16,         /* of the batch, for the gradient of the weights */
    SUMS = 20,                /* of that gradient in registers, at most; half as many with 16 */
    TOTAL_BYTES = 64 * 1024,  /* of its sums by lane, on the thread's stack */
    PADDED_BYTES = 48 * 1024, /* of an item's copy, on the thread's stack */
    LEAST_ROWS = 8,           /* of an item: fewer copy too many rows twice */
    SPARE_REGISTERS = 6       /* for pixels and weights */
};

/* Rows of pixels that OUT rows of the grid reach over. */
static int reach(const struct axis *axis, int out)
{
    return out - 1 + (axis->taps - 1) * axis->step + 1;
}

/* Floats of a channel's copy for ROWS rows of the grid; the last vector reads beyond its row. */
static int padded_floats(const struct lowering *l, const struct axis *h, const struct axis *w,
                         int rows)
{
    return round_up(reach(h, rows) * reach(w, w->out) + l->lanes, l->lanes);
}

/* Vectors of pixels in a tile, that one sum a channel each fits the registers. */
static int most_vectors(const struct lowering *l, const struct geometry *g)
{
    return (l->program->isa->registers - SPARE_REGISTERS) / g->out_c;
}

/* Whether pixels in lanes need less than three quarters of the direct kernel's operations: a
 * multiply-add each, or a step of a transposition. */
static bool is_cheaper(const struct lowering *l, const struct geometry *g, const struct axis *h,
                       const struct axis *w)
{
    double transposition = l->lanes * 3.0, vectors = divide_up(w->out, l->lanes);
    double sums = axis_pairs(h) * w->taps * vectors * g->out_c * g->in_c;
    double copies = g->in_block == 1 ? 0 : h->in * divide_up(w->in, l->lanes) * g->in_blocks;
    double operations = sums + (h->out * vectors + copies) * transposition;
    return operations < 0.75 * axis_pairs(h) * axis_pairs(w) * g->in_c;
}

/* Whether the formula of H and W, ROWS a copy at least, can be computed so and is to be. */
static bool is_for_lanes(const struct lowering *l, const struct geometry *g, const struct axis *h,
                         const struct axis *w, int rows)
{
    bool plain = g->groups == 1 && g->out_c <= l->lanes && h->in_step == 1 && w->in_step == 1 &&
                 h->out_step == 1 && w->out_step == 1 && h->taps > 0 && w->taps > 0;
    if (!plain || (g->in_block != 1 && g->in_block != l->lanes) || most_vectors(l, g) < 1 ||
        4 * g->in_c * padded_floats(l, h, w, rows) > PADDED_BYTES)
        return false;
    return l->method == CONV_LANES || (l->method == CONV_BY_COST && is_cheaper(l, g, h, w));
}

/* Rows of an item: MOST, or what its copy has room for, in multiples of MULTIPLE. */
static int choose_rows(const struct lowering *l, const struct geometry *g, const struct axis *h,
                       const struct axis *w, int most, int multiple)
{
    int rows = min_int(most, h->out);
    while (rows > multiple && 4 * g->in_c * padded_floats(l, h, w, rows) > PADDED_BYTES)
        rows--;
    return min_int(h->out, max_int(1, rows / multiple) * multiple);
}

bool choose_pixel_lanes(const struct lowering *l, const struct geometry *g, const struct axis *h,
                        const struct axis *w, int row_multiple, struct pixel_lanes *p)
{
    if (!is_for_lanes(l, g, h, w, row_multiple))
        return false;
    int most = max_int(LEAST_ROWS, h->out / divide_up(ITEMS, l->batch));
    p->columns = min_int(w->out, min_int(most_vectors(l, g), 2) * l->lanes);
    p->chunk_rows = choose_rows(l, g, h, w, most, row_multiple);
    return true;
}

int choose_padded_rows(const struct lowering *l, const struct geometry *g, const struct axis *h,
                       const struct axis *w)
{
    bool fits = 4 * g->in_c * padded_floats(l, h, w, 1) <= PADDED_BYTES;
    return fits ? choose_rows(l, g, h, w, h->out, 1) : 0;
}

void add_padded(const struct lowering *l, struct value *a, const struct geometry *g,
                const struct axis *h, const struct axis *w, int chunk_rows)
{
    int first = max_int(w->first, 0), end = min_int(w->first + reach(w, w->out), w->in);
    value_int(a, "IN_C", g->in_c);
    value_int(a, "OUT_C", g->out_c);
    value_int(a, "PADDED_H", reach(h, chunk_rows));
    value_int(a, "PADDED_W", reach(w, w->out));
    value_int(a, "PADDED", padded_floats(l, h, w, chunk_rows));
    value_int(a, "COPIED_FROM", first);
    value_int(a, "COPIED_TO", first - w->first);
    value_int(a, "COPIED", max_int(end - first, 0));
}

void add_pixel_lanes(const struct lowering *l, struct value *a, const struct geometry *g,
                     const struct axis *h, const struct axis *w, int columns, int chunk_rows)
{
    int sums = g->out_c * divide_up(columns, l->lanes);
    add_padded(l, a, g, h, w, chunk_rows);
    value_int(a, "TURNS", 2 * sums <= l->program->isa->registers - SPARE_REGISTERS ? 2 : 1);
}

/* ---- the gradient of the weights ---- */

/* Output channels whose sums of a row of taps are in registers together; 0: not even one's. */
static int choose_channels(const struct lowering *l, const struct geometry *g)
{
    int most = l->program->isa->registers >= 32 ? SUMS : SUMS / 2;
    for (int k = g->out_c; k > 0; k--)
        if (g->out_c % k == 0 && k * g->kernel_w <= most)
            return k;
    return 0;
}

static void add_weights_arguments(const struct lowering *l, struct value *a,
                                  const struct geometry *g, const struct axis *h,
                                  const struct axis *w)
{
    int rows = choose_rows(l, g, h, w, h->out, 1);
    add_axis(l, a, "H", h);
    add_axis(l, a, "W", w);
    add_padded(l, a, g, h, w, rows);
    value_int(a, "IN_BLOCK", g->in_block);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "CHUNK_ROWS", rows);
    value_int(a, "TURNED_W", round_up(w->out, l->lanes));
    value_int(a, "K_TILE", choose_channels(l, g));
}

bool lower_lanes_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                         struct region *dy, struct region *gradient)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    int split_images = divide_up(l->batch, MOST_SPLITS);
    int splits = divide_up(l->batch, split_images);
    int totals = 4 * g->out_c * g->in_c * g->kernel_h * g->kernel_w * l->lanes;
    if (!is_for_lanes(l, g, &h, &w, 1) || choose_channels(l, g) == 0 || totals > TOTAL_BYTES)
        return false;
    struct region *partial = partial_gradients(l, group, gradient, splits);
    struct call *call = add_call(l, group, "conv_weights_lanes.c.t",
                                 geometry_name(l, g, "backward_weights"), "backward weights");
    add_weights_arguments(l, call->arguments, g, &h, &w);
    value_int(call->arguments, "SPLITS", splits);
    value_int(call->arguments, "SPLIT_IMAGES", split_images);
    value_int(call->arguments, "FLOATS", (long long)gradient->floats);
    add_costs(l, call, g, g->flops, group->raw);
    read_operand(l, call, "in", region_of(l, group->input));
    read_operand(l, call, "out_gradient", dy);
    write_operand(l, call, "gradient", partial);
    count_operand(l, call);
    sum_partials(l, group, partial, gradient, splits, split_images);
    return true;
}
