/*
 * lower_geometry: a convolution or linear layer as kernels see it, in numbers.
 */
#include "lower.h"

/* The largest number of spans of GROUPS such that both channels of a span fill whole blocks. */
static int find_spans(int groups, int in, int out, int lanes)
{
    for (int spans = groups; spans > 1; spans--)
        if (groups % spans == 0 && in / spans % lanes == 0 && out / spans % lanes == 0)
            return spans;
    return 1;
}

static struct geometry linear_geometry(const struct lowering *l, const struct node *head)
{
    const struct layout *in = layout_of(l, head->inputs[0]);
    int floats = (int)layout_floats(in), out = head->linear.units;
    return (struct geometry){
        .in_c = floats,
        .in_h = 1,
        .in_w = 1,
        .in_block = floats,
        .in_blocks = 1,
        .out_c = out,
        .out_h = 1,
        .out_w = 1,
        .out_blocks = divide_up(out, l->lanes),
        .spans = 1,
        .groups = 1,
        .kernel_h = 1,
        .kernel_w = 1,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
        .flops = 2.0 * (double)tensor_elements(head->inputs[0]) * out,
    };
}

/* Pairs of output place and tap whose pixel lies inside the image, in one direction. */
static double pairs_inside(int in, int out, int kernel, int stride, int dilation, int pad)
{
    double pairs = 0;
    for (int o = 0; o < out; o++)
        for (int k = 0; k < kernel; k++) {
            int place = o * stride + k * dilation - pad;
            pairs += place >= 0 && place < in;
        }
    return pairs;
}

static struct geometry conv_geometry(const struct lowering *l, const struct node *head)
{
    const struct layout *in = layout_of(l, head->inputs[0]);
    const struct layout *out = layout_of(l, head->outputs[0]);
    const struct conv_attributes *conv = &head->conv;
    int spans = in->block == 1 ? 1 : find_spans(conv->groups, in->c, out->c, l->lanes);
    struct geometry g = {
        .in_c = in->c / spans,
        .in_h = in->h,
        .in_w = in->w,
        .in_block = in->block,
        .out_c = out->c,
        .out_h = out->h,
        .out_w = out->w,
        .out_blocks = layout_blocks(out),
        .spans = spans,
        .groups = conv->groups,
        .kernel_h = conv->kernel_h,
        .kernel_w = conv->kernel_w,
        .stride_h = conv->stride_h,
        .stride_w = conv->stride_w,
        .dilation_h = conv->dilation_h,
        .dilation_w = conv->dilation_w,
        .pad_top = conv->pad_top,
        .pad_left = conv->pad_left,
    };
    g.in_blocks = divide_up(g.in_c, g.in_block);
    g.flops = 2.0 * out->c * (in->c / conv->groups) *
              pairs_inside(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.dilation_h, g.pad_top) *
              pairs_inside(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.dilation_w, g.pad_left);
    return g;
}

struct geometry head_geometry(const struct lowering *l, const struct node *head)
{
    return head->op == OP_linear ? linear_geometry(l, head) : conv_geometry(l, head);
}

void pack_head_weight(const struct lowering *l, const struct node *head,
                      struct lathe_parameter *parameter)
{
    const struct layout *in = layout_of(l, head->inputs[0]);
    bool linear = head->op == OP_linear;
    struct geometry g = head_geometry(l, head);
    parameter->out = g.out_c;
    parameter->in = in->c;
    parameter->kh = linear ? in->h : g.kernel_h;
    parameter->kw = linear ? in->w : g.kernel_w;
    parameter->groups = g.groups;
    parameter->spans = g.spans;
    parameter->block_out = l->lanes;
    parameter->block_in = in->block;
}

const char *geometry_name(const struct lowering *l, const struct geometry *g, const char *what)
{
    if (g->in_h == 1 && g->in_w == 1 && g->kernel_h == 1 && g->kernel_w == 1)
        return arena_printf(l->arena, "linear_%d_to_%d_%s", g->in_c * g->spans, g->out_c, what);
    return arena_printf(l->arena, "conv%dx%d_%dx%dx%d_to_%dx%dx%d_%s", g->kernel_h, g->kernel_w,
                        g->in_c * g->spans, g->in_h, g->in_w, g->out_c, g->out_h, g->out_w, what);
}

/* ---- what its kernels share ---- */

/* Accumulators that fit beside the weights and one pixel. */
int accumulators(const struct lowering *l, int k)
{
    return (l->program->isa->registers - k - 2) / k;
}

int choose_k_tile(const struct geometry *g)
{
    int blocks = g->out_blocks / g->spans;
    return blocks % 2 == 0 ? 2 : blocks % 3 == 0 ? 3 : 1;
}

static struct axis forward_axis(int in, int out, int kernel, int stride, int dilation, int pad)
{
    return (struct axis){.in = in,
                         .out = out,
                         .full = out,
                         .out_step = 1,
                         .in_step = stride,
                         .taps = kernel,
                         .first = -pad,
                         .step = dilation,
                         .tap_step = 1};
}

void forward_axes(const struct geometry *g, struct axis *h, struct axis *w)
{
    *h = forward_axis(g->in_h, g->out_h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top);
    *w = forward_axis(g->in_w, g->out_w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left);
}

void add_axis(const struct lowering *l, struct value *a, const char *letter,
              const struct axis *axis)
{
    const struct {
        const char *name;
        int value;
    } rows[] = {{"IN", axis->in},
                {"OUT", axis->out},
                {"FULL", axis->full},
                {"OUT_STEP", axis->out_step},
                {"OUT_FIRST", axis->out_first},
                {"IN_STEP", axis->in_step},
                {"TAPS", axis->taps},
                {"FIRST", axis->first},
                {"STEP", axis->step}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        value_int(a, arena_printf(l->arena, "%s_%s", rows[i].name, letter), rows[i].value);
}

void add_costs(const struct lowering *l, struct call *call, const struct geometry *g, double flops,
               const struct tensor *out)
{
    double in = (double)g->in_c * g->spans * g->in_h * g->in_w;
    call->flops = flops;
    call->bytes = 4 * (in + (double)layout_floats(layout_of(l, out)));
}
