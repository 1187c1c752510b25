/*
 * lower_conv: convolution and linear layers as kernels: geometry, tiles, forward, backward data and
 * weights. Here a group will choose among algorithms; there is one now, direct convolution.
 *
 * The forward kernel and backward data are one template. It computes
 *
 *   out[oh * OUT_STEP + OUT_FIRST] = sum over cb, r < ROWS, t < COLUMNS, c of
 *       in[cb][oh * IN_STEP + ROW_FIRST + r * ROW_STEP][... COLUMN ...][c] *
 *       weight[kb][cb][TAP_FIRST + r * TAP_ROW + t * TAP_COLUMN][c][k]
 *
 * on the grid oh < OUT_H, ow < OUT_W. Forward: IN_STEP is the stride, OUT_STEP 1. Backward data of
 * a stride s: s x s calls, one a phase of the image, OUT_STEP s, with the taps that meet the phase.
 */
#include "lower.h"

enum {
    L1_BYTES = 24 * 1024,            /* of the first-level cache, what a tile may fill */
    WEIGHT_TILES = 16,               /* tiles that use weights once they are in that cache */
    L2_BYTES = 1280 * 1024,          /* likewise of the second level */
    PLANE_BYTES = 128 * 1024,        /* a pooled convolution's rows on the thread's stack */
    PARTIAL_BYTES = 8 * 1024 * 1024, /* all partial gradients of a weight */
    MOST_SPLITS = 16,
    ITEMS = 16 /* pieces of work that keep some threads busy */
};

/* ---- geometry ---- */

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

static const char *geometry_name(const struct lowering *l, const struct geometry *g,
                                 const char *what)
{
    if (g->in_h == 1 && g->in_w == 1 && g->kernel_h == 1 && g->kernel_w == 1)
        return arena_printf(l->arena, "linear_%d_to_%d_%s", g->in_c * g->spans, g->out_c, what);
    return arena_printf(l->arena, "conv%dx%d_%dx%dx%d_to_%dx%dx%d_%s", g->kernel_h, g->kernel_w,
                        g->in_c * g->spans, g->in_h, g->in_w, g->out_c, g->out_h, g->out_w, what);
}

/* ---- tiles ---- */

struct tiles {
    int k;       /* blocks of output channels */
    int columns; /* widest tile */
    int images;
    int item_images; /* that a piece of work covers, a multiple of images */
    int block_chunk; /* blocks of input channels whose weights stay in the first-level cache */
    int chunk_rows, chunks;
};

/* Accumulators that fit beside the weights and one pixel. */
static int accumulators(const struct lowering *l, int k)
{
    return (l->program->isa->registers - k - 2) / k;
}

static int choose_k_tile(const struct geometry *g)
{
    int blocks = g->out_blocks / g->spans;
    return blocks % 2 == 0 ? 2 : blocks % 3 == 0 ? 3 : 1;
}

/* Columns of equal tiles rather than a narrow last one. */
static int choose_columns(int width, int most)
{
    return divide_up(width, divide_up(width, most));
}

/* Blocks of input channels whose weights for one tile fill the first-level cache: the sums wait in
 * the output while the next blocks' weights come in. All blocks where that would save nothing. */
static int choose_block_chunk(const struct lowering *l, const struct geometry *g, int k)
{
    int block = 4 * k * g->kernel_h * g->kernel_w * g->in_block * l->lanes;
    int chunk = max_int(1, L1_BYTES / block);
    if (g->in_block != l->lanes || block > 3 * L1_BYTES / 2)
        return g->in_blocks;
    return min_int(chunk, g->in_blocks);
}

static struct tiles choose_tiles(const struct lowering *l, const struct geometry *g, int out_h,
                                 int out_w, int row_multiple, int plane_rows)
{
    struct tiles t = {.k = choose_k_tile(g)};
    int most = accumulators(l, t.k);
    t.columns = choose_columns(out_w, most);
    t.images = out_w * 2 <= most ? most / out_w : 1;
    if (t.images > l->batch)
        t.images = l->batch;
    if (t.images > 8)
        t.images = 8;
    t.chunk_rows = out_h;
    if (plane_rows > 0)
        t.chunk_rows = min_int(t.chunk_rows, max_int(plane_rows / row_multiple, 1) * row_multiple);
    t.chunks = divide_up(out_h, t.chunk_rows);
    t.item_images = t.images;
    t.block_chunk = choose_block_chunk(l, g, t.k);
    if (t.block_chunk < g->in_blocks) {
        int tiles = t.chunk_rows * divide_up(out_w, t.columns);
        t.item_images *= min_int(divide_up(WEIGHT_TILES, tiles), divide_up(l->batch, t.images));
    }
    return t;
}

/* Rows a chunk so that one image alone gives ITEMS pieces of work. */
static int rows_for_threads(const struct lowering *l, const struct geometry *g, int out_h, int k)
{
    int pieces = l->batch * (g->out_blocks / k);
    return max_int(1, out_h / max_int(1, divide_up(ITEMS, pieces)));
}

/* ---- the kernel shared by forward and backward data ---- */

/* One direction (height or width) of the kernel's formula. */
struct axis {
    int in, out, full; /* sizes: input, grid, output tensor */
    int out_step, out_first, in_step;
    int taps, first, step;   /* input place of tap 0, distance of taps */
    int tap_first, tap_step; /* which weight tap 0 is, and the next */
};

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

/* Phase PHASE of backward data: grid places q stand for in-image places q * stride + phase; tap k
 * meets them where (phase + pad - k * dilation) divides by the stride. Taps in order of rising
 * place in dy, that is from the last k to the first. */
static struct axis backward_axis(int in, int out, int kernel, int stride, int dilation, int pad,
                                 int phase)
{
    struct axis a = {.in = out,
                     .out = divide_up(in - phase, stride),
                     .full = in,
                     .out_step = stride,
                     .out_first = phase,
                     .in_step = 1,
                     .step = 1};
    int last = -1, before = -1;
    for (int k = 0; k < kernel; k++) {
        if ((phase + pad - k * dilation) % stride != 0)
            continue;
        a.taps++;
        before = last;
        last = k;
    }
    if (a.taps > 0) {
        a.tap_first = last;
        a.first = (phase + pad - last * dilation) / stride;
    }
    if (a.taps > 1) {
        a.tap_step = before - last;
        a.step = (last - before) * dilation / stride;
    }
    return a;
}

/* Tiles of a row: edge tiles, whose outer taps leave the image, one by one; the others in a loop.
 */
static void add_segments(const struct lowering *l, struct value *arguments, const struct axis *w,
                         const struct tiles *t)
{
    struct value *segments = value_table(l->arena);
    int lowest = w->first, highest = w->first + (w->taps - 1) * w->step;
    struct value *open = NULL;
    int open_columns = 0, open_end = 0;
    for (int ow = 0; ow < w->out; ow += t->columns) {
        int columns = min_int(t->columns, w->out - ow);
        bool edge =
            ow * w->in_step + lowest < 0 || (ow + columns - 1) * w->in_step + highest >= w->in;
        if (open && !edge && columns == open_columns) {
            open_end = ow + columns;
            open->fields.items[1].integer = open_end;
            continue;
        }
        struct value *segment = value_table(l->arena);
        value_int(segment, "first", ow);
        value_int(segment, "stop", ow + columns);
        value_int(segment, "columns", columns);
        value_flag(segment, "edge", edge);
        value_child(segments, NULL, segment);
        open = edge ? NULL : segment;
        open_columns = columns;
    }
    value_child(arguments, "segments", segments);
}

/* The distinct tile functions: images x columns. */
static void add_tile_shapes(const struct lowering *l, struct value *arguments, int width,
                            const struct tiles *t)
{
    struct value *shapes = value_table(l->arena);
    int rest = width % t->columns;
    for (int images = t->images;; images = 1) {
        for (int part = 0; part < (rest && width > t->columns ? 2 : 1); part++) {
            struct value *shape = value_table(l->arena);
            int columns = part ? rest : min_int(t->columns, width);
            value_int(shape, "images", images);
            value_int(shape, "columns", columns);
            value_int(shape, "pixels", images * columns);
            value_child(shapes, NULL, shape);
        }
        if (images == 1)
            break;
    }
    value_child(arguments, "tiles", shapes);
}

static void add_axis(const struct lowering *l, struct value *a, const char *letter,
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

/* Everything of the formula: in G the roles of input and output are the kernel's own. */
static void add_conv_arguments(const struct lowering *l, struct call *call,
                               const struct geometry *g, const struct axis *h, const struct axis *w,
                               const struct tiles *t)
{
    struct value *a = call->arguments;
    int blocks_span = g->out_blocks / g->spans;
    add_axis(l, a, "H", h);
    add_axis(l, a, "W", w);
    value_int(a, "IN_BLOCK", g->in_block);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "SPANS", g->spans);
    value_int(a, "LAST_BLOCK", g->in_c - (g->in_blocks - 1) * g->in_block);
    value_int(a, "OUT_BLOCKS", g->out_blocks);
    value_int(a, "SPAN_BLOCKS", blocks_span);
    value_int(a, "TAPS", g->kernel_h * g->kernel_w);
    value_int(a, "TAP_FIRST", h->tap_first * g->kernel_w + w->tap_first);
    value_int(a, "TAP_ROW", h->tap_step * g->kernel_w);
    value_int(a, "TAP_COLUMN", w->tap_step);
    value_int(a, "K_TILE", t->k);
    value_int(a, "K_TILES", g->out_blocks / t->k);
    value_int(a, "ITEM_IMAGES", t->item_images);
    value_int(a, "BLOCK_CHUNK", t->block_chunk);
    value_int(a, "CHUNK_ROWS", t->chunk_rows);
    value_int(a, "CHUNKS", t->chunks);
    double weight_bytes = 4.0 * g->out_blocks * l->lanes * g->in_c * g->kernel_h * g->kernel_w;
    value_flag(a, "images_outer", weight_bytes <= L2_BYTES);
    add_segments(l, a, w, t);
    add_tile_shapes(l, a, w->out, t);
}

/* ---- forward ---- */

static void forward_axes(const struct geometry *g, struct axis *h, struct axis *w)
{
    *h = forward_axis(g->in_h, g->out_h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top);
    *w = forward_axis(g->in_w, g->out_w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left);
}

static void add_pool(const struct lowering *l, struct call *call, const struct group *group)
{
    struct value *a = call->arguments;
    const struct node *pool = group->pool;
    const struct layout *out = pool ? layout_of(l, pool->outputs[0]) : NULL;
    value_flag(a, "pooled", pool != NULL);
    value_flag(a, "maximum", pool && pool->op == OP_maxpool);
    value_int(a, "POOL_H", pool ? pool->pool.kernel_h : 1);
    value_int(a, "POOL_W", pool ? pool->pool.kernel_w : 1);
    value_int(a, "POOLED_H", out ? out->h : 0);
    value_int(a, "POOLED_W", out ? out->w : 0);
}

static void add_costs(const struct lowering *l, struct call *call, const struct geometry *g,
                      double flops, const struct tensor *out)
{
    double in = (double)g->in_c * g->spans * g->in_h * g->in_w;
    call->flops = flops;
    call->bytes = 4 * (in + (double)layout_floats(layout_of(l, out)));
}

static struct call *start_forward(struct lowering *l, const struct group *group, const char *what,
                                  const struct geometry *g, const struct tiles *t)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    struct call *call = add_call(l, group, "conv.c.t", geometry_name(l, g, what), "forward");
    add_conv_arguments(l, call, g, &h, &w, t);
    add_costs(l, call, g, g->flops, group->output);
    value_flag(call->arguments, "accumulates", false);
    read_operand(l, call, "in", region_of(l, group->input));
    read_operand(l, call, "weight", l->of_parameter[group->head->inputs[1]->id]);
    return call;
}

/* Rows of a pooled plane that fit on the stack, in whole windows. */
static int plane_rows(const struct lowering *l, const struct geometry *g, int k)
{
    return PLANE_BYTES / (4 * l->lanes * k * g->out_w);
}

struct call *lower_conv_inference(struct lowering *l, const struct group *group,
                                  const struct norm_regions *norm)
{
    struct geometry g = head_geometry(l, group->head);
    bool pooled = group->pool != NULL;
    int k = choose_k_tile(&g), multiple = pooled ? group->pool->pool.kernel_h : 1;
    int rows = rows_for_threads(l, &g, g.out_h, k);
    if (pooled)
        rows = min_int(rows, plane_rows(l, &g, k));
    struct tiles t = choose_tiles(l, &g, g.out_h, g.out_w, multiple, rows);
    if (pooled || t.chunks > 1)
        t.images = t.item_images = 1;
    struct call *call = start_forward(l, group, "infer", &g, &t);
    struct load *load = &l->program->loads.items[l->program->loads.count - 1];
    read_operand(l, call, "bias", load->packed_bias);
    value_flag(call->arguments, "biased", true);
    value_flag(call->arguments, "keeps_raw", false);
    value_flag(call->arguments, "gathers", false);
    value_flag(call->arguments, "second_pass", pooled);
    add_pool(l, call, group);
    add_steps(l, call, "steps", group, group->norm == 0 ? 1 : 0, group->steps.count, norm);
    value_child(call->arguments, "after", value_table(l->arena));
    value_child(call->arguments, "before_moments", value_table(l->arena));
    write_operand(l, call, "out", region_of(l, group->output));
    outer_operands(call, 1);
    count_operand(l, call);
    return call;
}

static struct tiles training_tiles(const struct lowering *l, const struct group *group,
                                   struct geometry *g)
{
    *g = head_geometry(l, group->head);
    return choose_tiles(l, g, g->out_h, g->out_w, 1, 0);
}

void conv_partials(const struct lowering *l, const struct group *group, int *partials, int *images,
                   int *chunks, int *chunk_rows)
{
    struct geometry g;
    struct tiles t = training_tiles(l, group, &g);
    *images = t.item_images;
    *chunks = t.chunks;
    *chunk_rows = t.chunk_rows;
    *partials = divide_up(l->batch, t.item_images) * t.chunks;
}

/* MOMENTS: where the epilogue leaves partial statistics, with batchnorm; then the steps are another
 * call's. Without, steps and pool run on the plane just made, which stays as raw. */
struct call *lower_conv_training(struct lowering *l, const struct group *group,
                                 struct region *moments)
{
    struct geometry g;
    struct tiles t = training_tiles(l, group, &g);
    bool second = !moments && (group->steps.count > 0 || group->pool);
    struct call *call = start_forward(l, group, "forward", &g, &t);
    bool biased = group->head->input_count > 2;
    value_flag(call->arguments, "biased", biased);
    if (biased)
        read_operand(l, call, "bias", l->of_parameter[group->head->inputs[2]->id]);
    value_flag(call->arguments, "keeps_raw", second);
    value_flag(call->arguments, "gathers", moments != NULL);
    value_flag(call->arguments, "second_pass", second);
    value_child(call->arguments, "steps", value_table(l->arena));
    struct norm_regions none = {0};
    int steps = group->steps.count;
    add_steps(l, call, "before_moments", group, 0, moments ? group->norm : 0, &none);
    int inner = call->operands.count;
    add_steps(l, call, "after", group, 0, moments ? 0 : steps, &none);
    if (second)
        write_operand(l, call, "raw", region_of(l, group->raw));
    struct group unpooled = *group;
    if (moments)
        unpooled.pool = NULL;
    add_pool(l, call, &unpooled);
    write_operand(l, call, "out", region_of(l, moments ? group->raw : group->output));
    if (moments)
        write_operand(l, call, "moments", moments);
    if (steps_are_random(l, group, 0, moments ? 0 : steps))
        random_operands(l, call);
    outer_operands(call, call->operands.count - inner);
    count_operand(l, call);
    return call;
}

/* ---- backward data ---- */

static struct region *transposed_weight(struct lowering *l, const struct group *group,
                                        const struct geometry *g)
{
    int in_blocks = divide_up(g->in_c, l->lanes);
    size_t floats =
        (size_t)g->out_blocks * in_blocks * g->kernel_h * g->kernel_w * l->lanes * l->lanes;
    struct region *region = scratch(
        l, arena_printf(l->arena, "%s.weight.transposed", group->head->name), floats, "packed");
    struct call *call = add_call(l, group, "transpose.c.t", geometry_name(l, g, "transpose"),
                                 "weights for backward data");
    value_int(call->arguments, "OUT_BLOCKS", g->out_blocks / g->spans);
    value_int(call->arguments, "IN_BLOCKS", in_blocks);
    value_int(call->arguments, "SPANS", g->spans);
    value_int(call->arguments, "TAPS", g->kernel_h * g->kernel_w);
    read_operand(l, call, "weight", l->of_parameter[group->head->inputs[1]->id]);
    write_operand(l, call, "transposed", region);
    return region;
}

/* G with input and output exchanged: what backward data convolves is dy, what it makes is dx. */
static struct geometry exchanged(const struct lowering *l, const struct geometry *g)
{
    struct geometry b = *g;
    int span_blocks = g->out_blocks / g->spans;
    b.in_block = l->lanes;
    b.in_blocks = span_blocks;
    b.in_c = g->spans > 1 ? span_blocks * l->lanes : g->out_c;
    b.out_blocks = divide_up(g->in_c, l->lanes) * g->spans;
    b.out_c = g->in_c * g->spans;
    b.in_h = g->out_h, b.in_w = g->out_w, b.out_h = g->in_h, b.out_w = g->in_w;
    if (g->in_h == 1 && g->in_w == 1 && g->out_h == 1 && g->out_w == 1 && g->spans == 1 &&
        g->kernel_h == 1 && g->kernel_w == 1) {
        b.in_block = span_blocks * l->lanes; /* a linear layer: one block again */
        b.in_blocks = 1;
    }
    return b;
}

static void lower_data_phase(struct lowering *l, const struct group *group,
                             const struct geometry *g, const struct axis *h, const struct axis *w,
                             struct region *const operands[4])
{
    struct geometry b = exchanged(l, g);
    struct tiles t = choose_tiles(l, &b, h->out, w->out, 1, 0);
    struct call *call =
        add_call(l, group, "conv.c.t", geometry_name(l, g, "backward_data"), "backward data");
    add_conv_arguments(l, call, &b, h, w, &t);
    add_costs(l, call, &b, g->flops / (g->stride_h * g->stride_w), group->input);
    static const char *const off[] = {"biased", "keeps_raw", "gathers", "second_pass"};
    for (int i = 0; i < 4; i++)
        value_flag(call->arguments, off[i], false);
    static const char *const lists[] = {"steps", "after", "before_moments"};
    for (int i = 0; i < 3; i++)
        value_child(call->arguments, lists[i], value_table(l->arena));
    add_pool(l, call, &(struct group){0});
    value_flag(call->arguments, "accumulates", operands[3] != NULL);
    read_operand(l, call, "in", operands[0]);
    read_operand(l, call, "weight", operands[1]);
    if (operands[3])
        read_operand(l, call, "accumulate", operands[3]);
    write_operand(l, call, "out", operands[2]);
    outer_operands(call, 1);
    count_operand(l, call);
}

void lower_conv_data(struct lowering *l, const struct group *group, struct region *dy,
                     struct region *dx, struct region *accumulate)
{
    struct geometry g = head_geometry(l, group->head);
    struct region *operands[4] = {dy, transposed_weight(l, group, &g), dx, accumulate};
    for (int ph = 0; ph < min_int(g.stride_h, g.in_h); ph++)
        for (int pw = 0; pw < min_int(g.stride_w, g.in_w); pw++) {
            struct axis h =
                backward_axis(g.in_h, g.out_h, g.kernel_h, g.stride_h, g.dilation_h, g.pad_top, ph);
            struct axis w = backward_axis(g.in_w, g.out_w, g.kernel_w, g.stride_w, g.dilation_w,
                                          g.pad_left, pw);
            if (h.taps == 0 || w.taps == 0)
                h.taps = w.taps = 0;
            lower_data_phase(l, group, &g, &h, &w, operands);
        }
}

/* ---- backward weights ---- */

struct weights_plan {
    int c_tile, k_tile, pixel_tile;     /* accumulators: c x k, pixel_tile times over */
    int image_chunk, row_chunk, chunks; /* in the first-level cache */
    int splits, split_images;
    int k_group, c_group; /* blocks an item covers */
};

static int channels_of(const struct geometry *g)
{
    return g->in_block == 1 ? g->in_blocks : min_int(g->in_c, g->in_block);
}

static void choose_weight_tiles(const struct lowering *l, const struct geometry *g,
                                struct weights_plan *p)
{
    p->k_tile = choose_k_tile(g);
    int most = min_int(accumulators(l, p->k_tile), 8), channels = channels_of(g);
    p->c_tile = 1;
    for (int c = 1; c <= most && c <= channels; c++)
        if ((g->in_block == l->lanes ? l->lanes : channels) % c == 0) /* no tile beyond a block */
            p->c_tile = c;
    p->pixel_tile = p->c_tile * p->k_tile >= 8 || g->out_w < 8 ? 1 : 4;
}

static void choose_weight_blocking(const struct lowering *l, const struct geometry *g,
                                   struct weights_plan *p)
{
    int x_row = 4 * g->in_w * g->stride_h * (g->in_block > l->lanes ? 16 : g->in_block);
    int row = x_row + 4 * g->out_w * l->lanes * p->k_tile;
    p->row_chunk = max_int(1, min_int(g->out_h, L1_BYTES / row));
    if (p->row_chunk < g->out_h)
        p->row_chunk = divide_up(g->out_h, divide_up(g->out_h, p->row_chunk));
    p->chunks = divide_up(g->out_h, p->row_chunk);
    p->image_chunk = p->chunks > 1 ? 1 : max_int(1, L1_BYTES / (row * g->out_h));
    p->image_chunk = min_int(p->image_chunk, l->batch);
}

/* Splits of the batch while their partial gradients stay small, then pieces of the weight. */
static void choose_weight_items(const struct lowering *l, const struct geometry *g,
                                struct weights_plan *p)
{
    size_t bytes = (size_t)4 * g->out_blocks * l->lanes * g->in_blocks * g->in_block * g->kernel_h *
                   g->kernel_w;
    p->splits = 1;
    while (p->splits * 2 <= MOST_SPLITS && bytes * p->splits * 2 <= PARTIAL_BYTES &&
           p->splits * 2 <= l->batch)
        p->splits *= 2;
    p->split_images = divide_up(l->batch, p->splits);
    p->splits = divide_up(l->batch, p->split_images);
    int blocks = g->out_blocks / g->spans;
    p->k_group = blocks;
    p->c_group = g->in_blocks;
    int pieces = p->splits * g->spans;
    size_t piece = bytes / (size_t)g->spans;
    while ((piece > L2_BYTES / 2 || pieces < ITEMS) && p->k_group % (2 * p->k_tile) == 0) {
        p->k_group /= 2;
        piece /= 2;
        pieces *= 2;
    }
    while (g->in_block > 1 && (piece > L2_BYTES / 2 || pieces < ITEMS) && p->c_group % 2 == 0) {
        p->c_group /= 2;
        piece /= 2;
        pieces *= 2;
    }
}

static void add_weights_arguments(struct lowering *l, struct call *call, const struct geometry *g,
                                  const struct weights_plan *p, size_t floats)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    struct value *a = call->arguments;
    bool planar = g->in_block == 1;
    add_axis(l, a, "H", &h);
    add_axis(l, a, "W", &w);
    value_int(a, "IN_BLOCK", g->in_block);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "SPANS", g->spans);
    value_int(a, "OUT_BLOCKS", g->out_blocks);
    value_int(a, "SPAN_BLOCKS", g->out_blocks / g->spans);
    value_int(a, "TAPS", g->kernel_h * g->kernel_w);
    value_int(a, "C_TILE", p->c_tile);
    value_int(a, "K_TILE", p->k_tile);
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
    value_int(a, "IMAGE_CHUNK", p->image_chunk);
    value_int(a, "ROW_CHUNK", p->row_chunk);
    value_int(a, "CHUNKS", p->chunks);
    value_int(a, "SPLITS", p->splits);
    value_int(a, "SPLIT_IMAGES", p->split_images);
    value_int(a, "FLOATS", (long long)floats);
}

void lower_conv_weights(struct lowering *l, const struct group *group, struct region *dy)
{
    struct geometry g = head_geometry(l, group->head);
    struct weights_plan p = {0};
    choose_weight_tiles(l, &g, &p);
    choose_weight_blocking(l, &g, &p);
    choose_weight_items(l, &g, &p);
    int weight = group->head->inputs[1]->id;
    struct region *gradient = l->of_gradient[weight], *partial = gradient;
    if (p.splits > 1)
        partial = scratch(l, arena_printf(l->arena, "%s.weight.partial", group->head->name),
                          checked_multiply((size_t)p.splits, gradient->floats),
                          arena_printf(l->arena, "%d partial gradients", p.splits));
    struct call *call = add_call(l, group, "conv_weights.c.t",
                                 geometry_name(l, &g, "backward_weights"), "backward weights");
    add_weights_arguments(l, call, &g, &p, gradient->floats);
    add_costs(l, call, &g, g.flops, group->raw);
    read_operand(l, call, "in", region_of(l, group->input));
    read_operand(l, call, "out_gradient", dy);
    write_operand(l, call, "gradient", partial);
    count_operand(l, call);

    if (p.splits > 1) {
        call = add_call(l, group, "sum_splits.c.t",
                        arena_printf(l->arena, "sum_%d_of_%zu", p.splits, gradient->floats),
                        "sum of partial gradients");
        value_int(call->arguments, "SPLITS", p.splits);
        value_int(call->arguments, "SPLIT_IMAGES", p.split_images);
        value_int(call->arguments, "FLOATS", (long long)gradient->floats);
        read_operand(l, call, "partial", partial);
        write_operand(l, call, "sum", gradient);
        count_operand(l, call);
    }
    if (g.spans < g.groups) {
        call = add_call(l, group, "mask_groups.c.t", "mask_groups", "other groups' weights");
        text_operand(l, call, "const struct lathe_parameter *", "parameter",
                     arena_printf(l->arena, "&parameters[%d]", l->parameter_index[weight]));
        write_operand(l, call, "gradient", gradient);
    }
}
