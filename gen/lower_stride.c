/*
 * lower_stride: a 1 x 1 convolution with a stride reads one pixel of several. Where it stands, each
 * brings its neighbours in vain, and only some of a cache's sets have use for it. So the pixels are
 * copied side by side first, once for the convolution and for its weights' gradient: both are
 * products of matrices then. In inference lower_packed.c picks them where that is worth it.
 */
#include "lower.h"

enum { LEAST_OUT = 256 }; /* output channels that a copied pixel meets, to be worth it */

static bool skips_pixels(const struct lowering *l, const struct geometry *g)
{
    return l->training && is_pointwise(l, g) && g->samples == 1 && g->stride_h * g->stride_w > 1 &&
           g->pad_top == 0 && g->pad_left == 0 && (g->out_h - 1) * g->stride_h < g->in_h &&
           (g->out_w - 1) * g->stride_w < g->in_w && g->out_c / g->spans >= LEAST_OUT;
}

struct geometry dense_geometry(const struct lowering *l, const struct node *head)
{
    struct geometry g = head_geometry(l, head);
    if (skips_pixels(l, &g)) {
        g.in_h = g.out_h;
        g.in_w = g.out_w;
        g.stride_h = g.stride_w = 1;
    }
    return g;
}

/* GROUP's input to SIDE_BY_SIDE. */
static void copy_pixels(struct lowering *l, const struct group *group, const struct geometry *g,
                        struct region *side_by_side)
{
    struct call *call = add_call(l, group, "stride.c.t",
                                 arena_printf(l->arena, "every_%dx%d_of_%dx%dx%d", g->stride_h,
                                              g->stride_w, g->in_c * g->spans, g->in_h, g->in_w),
                                 "forward, pixels of the stride");
    value_int(call->arguments, "BLOCKS", g->image_blocks);
    value_int(call->arguments, "IN_H", g->in_h);
    value_int(call->arguments, "IN_W", g->in_w);
    value_int(call->arguments, "OUT_H", g->out_h);
    value_int(call->arguments, "OUT_W", g->out_w);
    value_int(call->arguments, "STRIDE_H", g->stride_h);
    value_int(call->arguments, "STRIDE_W", g->stride_w);
    call->bytes = 8.0 * (double)side_by_side->image;
    read_operand(l, call, "in", region_of(l, group->input));
    write_operand(l, call, "out", side_by_side);
    count_operand(l, call);
}

struct region *dense_input(struct lowering *l, const struct group *group)
{
    struct geometry g = head_geometry(l, group->head);
    if (!skips_pixels(l, &g))
        return region_of(l, group->input);
    struct region **kept = &l->of_stride[group->raw->id];
    if (!*kept) {
        struct layout layout = *layout_of(l, group->input);
        layout.h = g.out_h;
        layout.w = g.out_w;
        size_t image = layout_image(&layout);
        *kept = scratch(l, arena_printf(l->arena, "%s.pixels", group->head->name),
                        checked_multiply(image, l->batch), "of the stride, side by side");
        (*kept)->layout = layout;
        (*kept)->image = image;
        copy_pixels(l, group, &g, *kept);
    }
    return *kept;
}
