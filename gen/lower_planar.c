/*
 * lower_planar: the gradient of the weights that meet an image of few channels, a plane each.
 *
 * A 3 x 3 kernel of 3 channels has 27 taps, few enough that their sums, for a block of output
 * channels, are all in registers: a pixel of the output's gradient is read once and meets the
 * 27 pixels around it, of a copy with the padding's zeros around it (padded.c.t), so that none asks
 * where the image ends. Where registers hold the sums of some of the channels only, they take turns
 * with some rows of the gradient. The direct kernel (lower_weights.c) reads it once a tap.
 */
#include "lower.h"

enum {
    MOST_SPLITS = 16,    /* of the batch */
    SPARE_REGISTERS = 4, /* for what is added to the sums */
    TILE_BYTES = 8192,   /* of the gradient that channels take turns with */
};

/* Channels whose taps' sums are in registers together; 0: not even one's. */
static int channels_together(const struct lowering *l, const struct geometry *g)
{
    int most = l->program->isa->registers - SPARE_REGISTERS;
    for (int c = g->in_c; c > 0; c--)
        if (g->in_c % c == 0 && c * g->kernel_h * g->kernel_w <= most)
            return c;
    return 0;
}

static bool is_for_planes(const struct lowering *l, const struct geometry *g)
{
    return g->in_block == 1 && g->groups == 1 && g->stride_h == 1 && g->stride_w == 1 &&
           channels_together(l, g) > 0;
}

bool lower_planar_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                          struct region *dy, struct region *gradient)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    int split_images = divide_up(l->batch, MOST_SPLITS);
    int splits = divide_up(l->batch, split_images), rows = choose_padded_rows(l, g, &h, &w);
    if (!is_for_planes(l, g) || rows == 0)
        return false;
    struct region *partial = partial_gradients(l, group, gradient, splits);
    struct call *call = add_call(l, group, "conv_weights_planar.c.t",
                                 geometry_name(l, g, "backward_weights"), "backward weights");
    struct value *a = call->arguments;
    add_axis(l, a, "H", &h);
    add_axis(l, a, "W", &w);
    add_padded(l, a, g, &h, &w, rows);
    value_int(a, "IN_BLOCK", g->in_block);
    value_int(a, "OUT_BLOCKS", g->out_blocks);
    value_int(a, "CHUNK_ROWS", rows);
    value_int(a, "C_TILE", channels_together(l, g));
    value_int(a, "TILE_ROWS", max_int(1, TILE_BYTES / (4 * l->lanes * g->out_w)));
    value_int(a, "SPLITS", splits);
    value_int(a, "SPLIT_IMAGES", split_images);
    value_int(a, "FLOATS", (long long)gradient->floats);
    add_costs(l, call, g, g->flops, group->raw);
    read_operand(l, call, "in", region_of(l, group->input));
    read_operand(l, call, "out_gradient", dy);
    write_operand(l, call, "gradient", partial);
    count_operand(l, call);
    sum_partials(l, group, partial, gradient, splits, split_images);
    return true;
}
