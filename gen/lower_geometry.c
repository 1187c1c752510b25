/*
 * lower_geometry: a convolution or linear layer as kernels see it, in numbers.
 */
#include "lower.h"

enum {
    MATRIX_ROWS = 4,  /* of a matrix product's pixels, at least: pieces of work for threads */
    SMALL_IMAGE = 128 /* pixels of an image that is one row then */
};

/* ---- one direction ---- */

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

void backward_axes(const struct geometry *g, int phase_h, int phase_w, struct axis *h,
                   struct axis *w)
{
    *h = backward_axis(g->in_h, g->out_h, g->kernel_h, g->stride_h, g->dilation_h, g->pad_top,
                       phase_h);
    *w = backward_axis(g->in_w, g->out_w, g->kernel_w, g->stride_w, g->dilation_w, g->pad_left,
                       phase_w);
    if (h->taps == 0 || w->taps == 0)
        h->taps = w->taps = 0;
}

double axis_pairs(const struct axis *axis)
{
    double pairs = 0;
    for (int o = 0; o < axis->out; o++)
        for (int t = 0; t < axis->taps; t++) {
            int place = o * axis->in_step + axis->first + t * axis->step;
            pairs += place >= 0 && place < axis->in;
        }
    return pairs;
}

/* ---- groups ---- */

/* The largest number of spans of GROUPS such that both channels of a span fill whole blocks. */
static int find_spans(int groups, int in, int out, int lanes)
{
    for (int spans = groups; spans > 1; spans--)
        if (groups % spans == 0 && in / spans % lanes == 0 && out / spans % lanes == 0)
            return spans;
    return 1;
}

/* Blocks of input channels between the first and the last channel that a block of LANES output
 * channels reads, at most; a group has GROUP_IN channels and makes GROUP_OUT of OUT. */
static int find_window(int group_in, int group_out, int out, int lanes)
{
    int window = 1;
    for (int k = 0; k < out; k += lanes) {
        int first = k / group_out * group_in;
        int last = (min_int(k + lanes, out) - 1) / group_out * group_in + group_in - 1;
        window = max_int(window, last / lanes - first / lanes + 1);
    }
    return window;
}

/* Choose between spans and narrow groups: a narrow kernel spends about a third of its time on
 * permutations. */
static void choose_groups(const struct lowering *l, struct geometry *g)
{
    g->image_blocks = g->in_blocks * g->spans;
    g->weight_rows = g->in_block;
    g->window = 0;
    int lanes = l->lanes, spans = g->spans, span_channels = g->in_blocks * g->in_block;
    if (g->in_block != lanes || spans == g->groups)
        return;
    int window = find_window(g->group_in, g->group_out, g->out_c, lanes);
    if (window * g->group_in * 3 > span_channels * 2)
        return;
    g->window = g->in_blocks = window;
    g->weight_rows = g->group_in;
    g->in_c *= spans;
    g->spans = 1;
}

/* ---- geometry ---- */

static struct geometry linear_geometry(const struct lowering *l, const struct node *head)
{
    const struct layout *in = layout_of(l, head->inputs[0]);
    int floats = (int)layout_floats(in), out = head->linear.units;
    int block = floats % l->lanes == 0 ? l->lanes : floats;
    return (struct geometry){
        .in_c = floats,
        .in_h = 1,
        .in_w = 1,
        .in_block = block,
        .in_blocks = floats / block,
        .image_blocks = floats / block,
        .weight_rows = block,
        .out_c = out,
        .out_h = 1,
        .out_w = 1,
        .out_blocks = divide_up(out, l->lanes),
        .spans = 1,
        .groups = 1,
        .samples = 1,
        .group_in = floats,
        .group_out = out,
        .kernel_h = 1,
        .kernel_w = 1,
        .stride_h = 1,
        .stride_w = 1,
        .dilation_h = 1,
        .dilation_w = 1,
        .flops = 2.0 * (double)tensor_elements(head->inputs[0]) * out,
    };
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
        .samples = 1,
        .group_in = in->c / conv->groups,
        .group_out = out->c / conv->groups,
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
    choose_groups(l, &g);
    struct axis h, w;
    forward_axes(&g, &h, &w);
    g.flops = 2.0 * out->c * g.group_in * axis_pairs(&h) * axis_pairs(&w);
    return g;
}

struct geometry head_geometry(const struct lowering *l, const struct node *head)
{
    if (head->op == OP_linear)
        return linear_geometry(l, head);
    struct geometry g = conv_geometry(l, head);
    return layout_of(l, head->inputs[0])->samples > 1 ? samples_geometry(l, head, &g) : g;
}

static struct geometry exchanged_samples(const struct geometry *g)
{
    struct geometry b = *g;
    b.in_c = b.in_blocks = b.image_blocks = b.group_in = g->out_c;
    b.out_c = b.out_blocks = b.group_out = g->in_c;
    b.in_h = g->out_h, b.in_w = g->out_w, b.out_h = g->in_h, b.out_w = g->in_w;
    b.is_exchanged = !g->is_exchanged;
    return b;
}

struct geometry exchanged_geometry(const struct lowering *l, const struct geometry *g)
{
    struct geometry b = *g;
    if (g->samples > 1)
        return exchanged_samples(g);
    int span_blocks = g->out_blocks / g->spans;
    b.in_block = l->lanes;
    b.in_blocks = span_blocks;
    b.in_c = g->spans > 1 ? span_blocks * l->lanes : g->out_c;
    b.out_blocks = divide_up(g->in_c, l->lanes) * g->spans;
    b.out_c = g->in_c * g->spans;
    b.in_h = g->out_h, b.in_w = g->out_w, b.out_h = g->in_h, b.out_w = g->in_w;
    b.group_in = g->group_out, b.group_out = g->group_in;
    b.image_blocks = b.in_blocks * b.spans;
    b.weight_rows = b.in_block;
    if (g->window) {
        b.window = b.in_blocks = find_window(b.group_in, b.group_out, b.out_c, l->lanes);
        b.weight_rows = b.group_in;
    }
    return b;
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
    parameter->window = g.window;
    parameter->block_out = l->lanes;
    parameter->block_in = g.window ? g.group_in : in->block;
}

const char *geometry_name(const struct lowering *l, const struct geometry *g, const char *what)
{
    if (g->in_h == 1 && g->in_w == 1 && g->kernel_h == 1 && g->kernel_w == 1)
        return arena_printf(l->arena, "linear_%d_to_%d_%s", g->in_c * g->spans, g->out_c, what);
    return arena_printf(l->arena, "conv%dx%d_%dx%dx%d_to_%dx%dx%d_%s", g->kernel_h, g->kernel_w,
                        g->in_c * g->spans, g->in_h, g->in_w, g->out_c, g->out_h, g->out_w, what);
}

/* ---- what its kernels share ---- */

/* Sums that fit beside the weights of a row of taps, a pixel and, in narrow kernels, a permutation.
 */
static int row_sums(const struct lowering *l, const struct geometry *g)
{
    return l->program->isa->registers - g->kernel_w - 3;
}

int accumulators(const struct lowering *l, const struct geometry *g, int k)
{
    return g->window ? max_int(row_sums(l, g), 4) : (l->program->isa->registers - k - 2) / k;
}

int choose_k_tile(const struct geometry *g)
{
    if (g->window)
        return 1;
    int blocks = g->out_blocks / g->spans;
    return blocks % 2 == 0 ? 2 : blocks % 3 == 0 ? 3 : 1;
}

bool shares_lines(const struct lowering *l)
{
    return l->lanes < CACHE_LINE;
}

bool is_pointwise(const struct lowering *l, const struct geometry *g)
{
    return g->kernel_h == 1 && g->kernel_w == 1 && g->out_h * g->out_w > 1 &&
           g->in_block == l->lanes && !g->window;
}

/* A tile of few pixels and many channels: the pixels, which come from further away than the
 * weights, come through the caches fewer times. */
int choose_direct_tile(const struct lowering *l, const struct geometry *g)
{
    bool fits = l->program->isa->registers >= 8 * MATRIX_TILE &&
                g->out_blocks / g->spans % MATRIX_TILE == 0;
    return is_pointwise(l, g) && fits ? MATRIX_TILE : choose_k_tile(g);
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

int choose_columns(int width, int most)
{
    return divide_up(width, divide_up(width, most));
}

int choose_images(const struct lowering *l, int width, int most)
{
    return width * 2 <= most ? min_int(min_int(most / width, l->batch), 8) : 1;
}

/* The share of the sums of MOST pixels that tiles use on the average, in rows of WIDTH pixels. */
static double tile_share(const struct lowering *l, int width, int most)
{
    return (double)choose_images(l, width, most) * width / divide_up(width, most) / most;
}

/* The speed of tiles of one pixel more than there are accumulators for, one of whose sums waits in
 * memory, beside that of tiles that fit. */
static const double WAITING_SPEED = 0.94;

bool meets_rows(const struct lowering *l, const struct geometry *g, int k)
{
    return k == 1 && g->kernel_w > 1 && !g->window && row_sums(l, g) >= LATENCY_SUMS;
}

int choose_most_pixels(const struct lowering *l, const struct geometry *g, int k, int width)
{
    int most = meets_rows(l, g, k) ? row_sums(l, g) : accumulators(l, g, k);
    bool waits = k == MATRIX_TILE &&
                 WAITING_SPEED * tile_share(l, width, most + 1) > tile_share(l, width, most);
    return most + waits; /* 7 fit rows of 7, 14, 28 or 56 pixels */
}

double tile_speed(const struct lowering *l, const struct geometry *g, int width)
{
    int k = choose_direct_tile(l, g), most = choose_most_pixels(l, g, k, width);
    return tile_share(l, width, most) * (most > accumulators(l, g, k) ? WAITING_SPEED : 1);
}

struct geometry in_rows(const struct lowering *l, const struct geometry *g, int most)
{
    struct geometry best = *g;
    int pixels = g->in_h * g->in_w, least = accumulators(l, g, choose_direct_tile(l, g));
    double fastest = tile_speed(l, g, g->in_w) * 1.02; /* what is not worth the trouble */
    if (pixels > SMALL_IMAGE)
        most = min_int(most, pixels / MATRIX_ROWS);
    for (int rows = divide_up(pixels, most); rows <= pixels; rows++) {
        int width = pixels / rows;
        if (pixels % rows != 0 || width < least || tile_speed(l, g, width) <= fastest)
            continue; /* narrower rows: tiles of several images, far apart */
        fastest = tile_speed(l, g, width);
        best.in_h = best.out_h = rows;
        best.in_w = best.out_w = width;
    }
    return best;
}

struct geometry matrix_geometry(const struct lowering *l, const struct geometry *g)
{
    bool matrix = g->kernel_h == 1 && g->kernel_w == 1 && g->stride_h == 1 && g->stride_w == 1 &&
                  g->in_h == g->out_h && g->in_w == g->out_w && g->samples == 1;
    return matrix ? in_rows(l, g, g->in_h * g->in_w) : *g;
}

void add_groups(const struct lowering *l, struct value *a, const struct geometry *g)
{
    value_int(a, "GROUP_IN", g->group_in);
    value_int(a, "GROUP_OUT", g->group_out);
    value_flag(a, "narrow", g->window > 0);
    value_flag(a, "depthwise", g->group_in == 1 && g->group_out == 1);
    value_flag(a, "aligned", g->group_in == g->group_out && l->lanes % g->group_in == 0);
}

void add_costs(const struct lowering *l, struct call *call, const struct geometry *g, double flops,
               const struct tensor *out)
{
    double in = (double)g->in_c * g->spans * g->in_h * g->in_w;
    call->flops = flops;
    call->bytes = 4 * (in + (double)layout_floats(layout_of(l, out)));
}

bool leaves_caches(const struct lowering *l, double floats)
{
    /* what inference writes, it reads at once: the last level keeps more of it */
    enum { TRAINING_BYTES = 6 << 20, BYTES = 28 << 20 };
    return 4 * floats > (l->training ? TRAINING_BYTES : BYTES);
}

/* ---- rows in tiles ---- */

struct row divide_row(int width, int tile, int least, int step)
{
    struct row row = {.width = width, .tile = min_int(tile, width), .step = 1};
    int rest = width % row.tile, tiles = divide_up(width, row.tile);
    int less = tiles * row.tile - width;
    if (row.tile % step == 0 && less % step == 0)
        row.step = step;
    if (rest > 0 && rest < least && less <= tiles * row.step)
        row.narrow = less / row.step;
    return row;
}

/* Columns of the tile at OW. */
static int tile_columns(const struct row *row, int ow)
{
    if (row->narrow == 0)
        return min_int(row->tile, row->width - ow);
    int narrower = row->tile - row->step;
    return ow < row->width - row->narrow * narrower ? row->tile : narrower;
}

/* Columns of the last tile. */
static int last_columns(const struct row *row)
{
    int rest = row->width % row->tile;
    return row->narrow > 0 ? row->tile - row->step : rest > 0 ? rest : row->tile;
}

void add_segments(const struct lowering *l, struct value *arguments, const struct axis *w,
                  const struct row *row)
{
    struct value *segments = value_table(l->arena);
    int lowest = w->first, highest = w->first + (w->taps - 1) * w->step;
    struct value *open = NULL;
    int open_columns = 0, open_end = 0;
    for (int ow = 0, columns; ow < w->out; ow += columns) {
        columns = tile_columns(row, ow);
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

void add_tile_shapes(const struct lowering *l, struct value *arguments, const struct axis *w,
                     int most_images, const struct row *row)
{
    struct value *shapes = value_table(l->arena);
    int last = last_columns(row);
    for (int images = most_images;; images = 1) {
        for (int part = 0; part < (last < row->tile ? 2 : 1); part++) {
            struct value *shape = value_table(l->arena);
            int columns = part ? last : row->tile;
            value_int(shape, "images", images);
            value_int(shape, "columns", columns);
            value_int(shape, "pixels", images * columns);
            value_int(shape, "vectors", divide_up(columns, l->lanes));
            value_int(shape, "reach", (columns - 1) * w->in_step + (w->taps - 1) * w->step + 1);
            value_child(shapes, NULL, shape);
        }
        if (images == 1)
            break;
    }
    value_child(arguments, "tiles", shapes);
}
