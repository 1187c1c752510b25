/*
 * lower_samples: in training, chains of small convolutions with a sample in each lane of a vector.
 *
 * With blocks of channels, 6 channels leave 10 of 16 lanes idle, in memory and in every kernel;
 * with pixels of a row in the lanes, rows of 28 do, and all is copied and transposed on its way. A
 * batch has samples enough to fill the lanes, whatever the shapes:
 *
 *     input (N, C, H, W) --turn--> (N/V, C, H, W, V) --convolutions, curves, pools-->
 *           (N/V, C', H', W', V) --turn--> (N, C'/V, H', W', V) --flatten--> linear
 *
 * and the gradients back. What is done lane by lane sees N/V images of C blocks, and nothing of all
 * this. A convolution's tap is a vector of one pixel of V samples times a weight for all lanes;
 * backward data is the same with input and output exchanged. The gradient of a weight is such a
 * sum of products, and of its lanes in the end. Weights are packed for blocks of channels, for
 * training and inference share one table, and are read number by number.
 *
 * Lanes beyond a batch's last sample hold what the network makes of zeros; their gradient is zero.
 */
#include "lower.h"
#include <math.h>

enum {
    ITEM_BYTES = 24 * 1024, /* of the first-level cache, what an item's pixels may fill */
    ROWS_BYTES = 64 * 1024, /* of the rows of the input that a row of the output reads, at most, */
    SUMS_BYTES = 64 * 1024, /* and of a piece of the weight's sums, on the thread's stack */
    SPARE_REGISTERS = 2,    /* beside sums and pixels: for weights */
    LEAST_CYCLES = 4,       /* of a tile's step: fewer sums than 8 wait for themselves */
    WINOGRAD_GAIN = 2       /* operations that Winograd's method saves */
};
static const double worth_turning = 0.95; /* of the operations, for which two turns are made */

/* ---- tiles ---- */

/* Whether the numbers of K output channels of a weight are equally far apart, from any multiple of
 * K channels on: K divides their number, and a block or there is only one. */
static bool is_regular(const struct lowering *l, int channels, int k)
{
    return channels % k == 0 && (channels <= l->lanes || l->lanes % k == 0);
}

/* Cycles of a tap's K x COLUMNS multiply-adds, two at a time, and as many loads meanwhile. */
static double step_cycles(int k, int columns)
{
    double sums = k * columns / 2.0, loads = (k + columns) / 2.0;
    return fmax(fmax(sums, loads), LEAST_CYCLES) + 0.1 * loads;
}

struct samples_tiles choose_samples_tiles(const struct lowering *l, const struct geometry *g,
                                          const struct axis *h, const struct axis *w,
                                          int row_multiple)
{
    struct samples_tiles best = {.k = 1, .columns = 1};
    double least = INFINITY;
    for (int k = 1; k <= g->out_c; k++)
        for (int most = 1;
             most <= w->out && (k + 1) * most + SPARE_REGISTERS <= l->program->isa->registers;
             most++) {
            int columns = choose_columns(w->out, most), rest = w->out % columns;
            double cycles = w->out / columns * step_cycles(k, columns);
            cycles = (cycles + (rest ? step_cycles(k, rest) : 0)) / k;
            if (!is_regular(l, g->out_c, k) || cycles >= least)
                continue;
            least = cycles;
            best.k = k;
            best.columns = columns;
        }
    int row_bytes = 4 * l->lanes * best.k * w->out * row_multiple;
    best.chunk_rows = min_int(h->out, max_int(1, ITEM_BYTES / row_bytes) * row_multiple);
    return best;
}

/* Output channels whose sums of a row of taps are in registers together, with a pixel's gradients
 * and the pixel; 0: not even one's. */
static int choose_channels(const struct lowering *l, const struct geometry *g)
{
    int best = 0;
    for (int k = 1; k <= g->out_c; k++)
        if (is_regular(l, g->out_c, k) && k * (g->kernel_w + 1) + 1 <= l->program->isa->registers &&
            (best == 0 || step_cycles(k, g->kernel_w) / k < step_cycles(best, g->kernel_w) / best))
            best = k;
    return best;
}

/* ---- which chain ---- */

/* Vector operations a sample: with blocks of channels, and with samples in lanes. */
struct operations {
    double blocks, samples;
};

/* Add those of the convolution HEAD, forward, and backward: to its input where INNER. */
static void add_operations(const struct lowering *l, const struct node *head, bool inner,
                           struct operations *o)
{
    struct geometry g = head_geometry(l, head), b = exchanged_geometry(l, &g);
    struct axis h, w;
    struct winograd_plan plan;
    forward_axes(&g, &h, &w);
    double pairs = axis_pairs(&h) * axis_pairs(&w);
    double gain = choose_winograd(l, &g, &h, &w, 1, &plan) ? WINOGRAD_GAIN : 1;
    double data = inner ? pairs * g.out_c * b.out_blocks : 0;
    o->blocks += (2 * pairs * g.in_c * g.out_blocks + data) / gain;
    o->samples += (inner ? 3 : 2) * pairs * g.in_c * g.out_c / l->lanes;
}

/* The convolution HEAD can be computed so: its registers and caches are large enough. */
static bool fits_lanes(const struct lowering *l, const struct node *head)
{
    struct geometry g = head_geometry(l, head);
    int reach = (g.kernel_h - 1) * g.dilation_h + 1, k = choose_channels(l, &g);
    return g.groups == 1 && k > 0 && 4.0 * l->lanes * k * g.kernel_h * g.kernel_w <= SUMS_BYTES &&
           4.0 * l->lanes * g.in_c * reach * g.in_w <= ROWS_BYTES &&
           4.0 * l->lanes * g.out_c * g.kernel_h * g.out_w <= ROWS_BYTES;
}

/* The only forward node that reads TENSOR; NULL: there are several. */
static const struct node *only_reader(const struct tensor *tensor)
{
    const struct node *reader = NULL;
    for (int i = 0; i < tensor->consumers.count; i++) {
        const struct node *node = tensor->consumers.items[i];
        if (node->backward || node_sums_gradients(node))
            continue;
        if (reader)
            return NULL;
        reader = node;
    }
    return reader;
}

/* Mark the input and what is made of it up to a flatten, in BY_SAMPLE; the last of these, or NULL:
 * there is a node between that is not for lanes, or no convolution. */
static const struct tensor *mark_chain(const struct lowering *l, bool *by_sample,
                                       struct operations *operations)
{
    const struct tensor *last = l->graph->input;
    bool convolves = false;
    for (const struct node *node; (node = only_reader(last)) != NULL && !node->gate;
         last = node->outputs[0]) {
        by_sample[last->id] = true;
        if (node->op == OP_flatten)
            return convolves && node_renames(node, true) ? last : NULL;
        if (node->op == OP_conv) {
            if (!fits_lanes(l, node))
                return NULL;
            add_operations(l, node, convolves, operations);
            convolves = true;
        } else if (node->op != OP_curve && node->op != OP_maxpool && node->op != OP_avgpool &&
                   node->op != OP_globalpool)
            return NULL;
    }
    return NULL;
}

const bool *choose_samples(const struct lowering *l, const struct tensor **end)
{
    if (!l->training || (l->method != CONV_BY_COST && l->method != CONV_SAMPLES))
        return NULL;
    bool *by_sample = arena_array(l->arena, (size_t)l->graph->tensors.count, bool);
    struct operations operations = {0};
    const struct tensor *last = mark_chain(l, by_sample, &operations);
    double idle = (double)round_up(l->batch, l->lanes) / l->batch; /* lanes of the last group */
    bool cheaper =
        l->batch >= l->lanes && operations.samples * idle < worth_turning * operations.blocks;
    if (!last || (l->method == CONV_BY_COST && !cheaper))
        return NULL;
    *end = last;
    return by_sample;
}

/* ---- convolutions ---- */

struct geometry samples_geometry(const struct lowering *l, const struct node *head,
                                 const struct geometry *g)
{
    const struct lathe_parameter *weight =
        &l->program->parameters[l->parameter_index[head->inputs[1]->id]];
    struct geometry s = *g;
    s.samples = l->lanes;
    s.in_block = 1;
    s.in_blocks = s.image_blocks = g->in_c;
    s.out_blocks = g->out_c;
    s.weight_rows = weight->block_in;
    s.packed_in = divide_up(g->in_c, weight->block_in);
    return s;
}

void add_samples(struct value *a, const struct geometry *g)
{
    value_int(a, "PACKED_BLOCKS", g->packed_in);
    value_flag(a, "is_exchanged", g->is_exchanged);
}

/* Items are pieces of the weight, and groups of samples where that leaves some to do. */
void lower_samples_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                           struct region *dy, struct region *gradient)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    int k = choose_channels(l, g), images = images_of(l, layout_of(l, group->input));
    int splits = min_int(images, divide_up(ITEMS, g->out_c / k * g->in_c));
    int split_images = divide_up(images, splits);
    splits = divide_up(images, split_images);
    int row_bytes = 4 * l->lanes * (k * g->out_w + g->stride_h * g->in_w);
    struct region *partial = partial_gradients(l, group, gradient, splits);
    struct call *call = add_call(l, group, "conv_weights_samples.c.t",
                                 geometry_name(l, g, "backward_weights"), "backward weights");
    struct value *a = call->arguments;
    add_axis(l, a, "H", &h);
    add_axis(l, a, "W", &w);
    struct row row = divide_row(w.out, 1, 1, 1);
    add_segments(l, a, &w, &row);
    value_int(a, "IN_C", g->in_c);
    value_int(a, "OUT_C", g->out_c);
    value_int(a, "K_TILE", k);
    value_int(a, "CHUNK_ROWS", min_int(g->out_h, max_int(1, ITEM_BYTES / row_bytes)));
    value_int(a, "WEIGHT_ROWS", g->weight_rows);
    value_int(a, "PACKED_BLOCKS", g->packed_in);
    value_int(a, "SPLITS", splits);
    value_int(a, "SPLIT_IMAGES", split_images);
    value_int(a, "FLOATS", (long long)gradient->floats);
    add_costs(l, call, g, g->flops, group->raw);
    read_operand(l, call, "in", region_of(l, group->input));
    read_operand(l, call, "out_gradient", dy);
    write_operand(l, call, "gradient", partial);
    count_operand(l, call);
    sum_partials(l, group, partial, gradient, splits, split_images);
}

/* ---- where the chain begins and ends ---- */

void lower_samples_input(struct lowering *l)
{
    const struct layout *layout = layout_of(l, l->graph->input);
    int floats = (int)layout_floats(layout);
    struct call *call = add_call(l, NULL, "samples_input.c.t",
                                 arena_printf(l->arena, "samples_to_lanes_%d", floats), "input");
    value_int(call->arguments, "FLOATS", floats);
    call->bytes = 8.0 * floats;
    text_operand(l, call, "const float *restrict ", "in", "batch->input");
    write_operand(l, call, "out", region_of(l, l->graph->input));
    samples_operand(l, call);
}

void lower_samples_end(struct lowering *l, const struct group *group, bool backward)
{
    const struct tensor *lanes = group->output, *blocks = only_reader(lanes)->outputs[0];
    const struct layout *layout = layout_of(l, lanes);
    if (backward) {
        lanes = lanes->gradient;
        blocks = blocks->gradient;
    }
    const char *name = backward ? "blocks_to_lanes" : "lanes_to_blocks";
    struct call *call =
        add_call(l, group, "samples_end.c.t",
                 arena_printf(l->arena, "%s_%dx%dx%d", name, layout->c, layout->h, layout->w),
                 backward ? "gradient to lanes" : "from lanes");
    value_int(call->arguments, "C", layout->c);
    value_int(call->arguments, "PIXELS", layout->h * layout->w);
    value_flag(call->arguments, "backward", backward);
    call->bytes = 8.0 * (double)layout_floats(layout);
    read_operand(l, call, backward ? "blocks" : "lanes", region_of(l, backward ? blocks : lanes));
    write_operand(l, call, backward ? "lanes" : "blocks", region_of(l, backward ? lanes : blocks));
    samples_operand(l, call);
}
