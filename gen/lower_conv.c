/*
 * lower_conv: convolution and linear layers as kernels: tiles, forward and backward data. Here a
 * group chooses between direct convolution, below, Winograd's method (lower_winograd.c) and pixels
 * in lanes (lower_lanes.c); samples in lanes (lower_samples.c) are a chain's choice, not a group's.
 *
 * The forward kernel and backward data are one template. It computes
 *
 *   out[oh * OUT_STEP + OUT_FIRST] = sum over cb, r < ROWS, t < COLUMNS, c of
 *       in[cb][oh * IN_STEP + ROW_FIRST + r * ROW_STEP][... COLUMN ...][c] *
 *       weight[kb][cb][TAP_FIRST + r * TAP_ROW + t * TAP_COLUMN][c][k]
 *
 * on the grid oh < OUT_H, ow < OUT_W. Forward: IN_STEP is the stride, OUT_STEP 1. Backward data of
 * a stride s: s x s such formulas, one a phase of the image, OUT_STEP s, with the taps that meet
 * the phase. A line of the gradient meets all phases before the next comes in.
 *
 * Products of matrices may read a copy of their pixels: lower_packed.c.
 */
#include "lower.h"
#include <math.h>

enum {
    L1_BYTES = 24 * 1024,        /* of the first-level cache, what a tile may fill */
    MATRIX_L1_BYTES = 32 * 1024, /* likewise of a tile of few pixels */
    STREAM_L1_BYTES = 12 * 1024, /* likewise where the weights used next come in meanwhile */
    WEIGHT_PIXELS = 224,         /* that use weights once they are in that cache */
    L2_BYTES = 1280 * 1024,      /* likewise of the second level */
    WHOLE_PIXELS = 8,            /* enough of them to keep conv_whole.c.t's multipliers busy, */
    WHOLE_TWICE_PIXELS = 12,     /* with 16 registers, where two pieces read all weights twice, */
    WHOLE_IMAGES = 3,            /* so many are enough for tiles of several images */
    WHOLE_AHEAD = 96,            /* vectors of weights on their way meanwhile */
    SINGLE_TILE = 8,             /* blocks of output channels of a single pixel, at most */
    FEW_TERMS = 32,              /* of a sum: the stores take longer than the products, */
    STREAM_BYTES = 16 << 20,     /* and past the caches if so many: the last level takes fewer */
    PLANE_BYTES = 128 * 1024,    /* a pooled convolution's rows on the thread's stack */
    ITEM_WORK = 1 << 16,         /* multiply-adds worth a thread's way to fetch a piece of work */
};

/* ---- tiles ---- */

struct tiles {
    int k;       /* blocks of output channels */
    int columns; /* widest tile */
    int images;
    int item_images; /* that a piece of work covers, a multiple of images */
    int block_chunk; /* blocks of input channels whose weights stay in the first-level cache */
    int chunk_rows, chunks;
    bool single;      /* pixel a tile: what takes time is to read the weights */
    bool pixel_lanes; /* see lower_lanes.c */
    bool by_sample;   /* see lower_samples.c */
    bool by_winograd; /* then the tiles are this plan's, and of those above the last three count */
    struct winograd_plan winograd;
    bool whole; /* an image's sums are all in registers: conv_whole.c.t */
};

/* Whether weights are used by so few pixels that they come from memory all the time, for sixteen
 * registers, in whose tiles they meet few at once. */
static bool streams_weights(const struct lowering *l)
{
    return !l->training && l->batch < WHOLE_IMAGES && l->program->isa->registers < 32;
}

/* Blocks of input channels whose weights for one tile fill the first-level cache: the sums wait in
 * the output while the next blocks' weights come in. All blocks where that would save nothing. */
static int choose_block_chunk(const struct lowering *l, const struct geometry *g, int k)
{
    int block = 4 * k * g->kernel_h * g->kernel_w * g->weight_rows * l->lanes;
    int bytes = streams_weights(l) ? STREAM_L1_BYTES
                : k == MATRIX_TILE ? MATRIX_L1_BYTES
                                   : L1_BYTES;
    int chunk = max_int(1, bytes / block);
    if (g->in_block != l->lanes || g->window || block > 3 * bytes / 2)
        return g->in_blocks;
    return divide_up(g->in_blocks, divide_up(g->in_blocks, chunk));
}

/* Bytes of an image that a block of output channels reads: all of its span, but for the rows
 * between a stride's (of columns the cache holds both, or has no use for the sets between). */
static double read_bytes(const struct geometry *g)
{
    int rows = min_int(g->in_h, g->out_h * g->kernel_h);
    return 4.0 * g->in_blocks * g->in_block * rows * g->in_w;
}

/* Rows of OUT_H whose input stays in the second-level cache while all output channels read it. */
static int rows_in_cache(const struct geometry *g, int out_h)
{
    return (int)(out_h * fmin(1, L2_BYTES / read_bytes(g)));
}

/* Whether all blocks of output channels of some images come before the next images: the images stay
 * in the second-level cache and the weights stream through it, and not the other way round. Of a
 * single image each thread takes blocks of its own, whose weights nobody else reads. */
static bool images_outer(const struct lowering *l, const struct geometry *g, const struct tiles *t)
{
    if (g->packed)
        return true;
    if (l->batch == 1 && !l->training)
        return false;
    double weights =
        4.0 * g->out_blocks * l->lanes * g->in_blocks * g->weight_rows * g->kernel_h * g->kernel_w;
    double images = read_bytes(g) * t->item_images;
    return g->samples > 1 || weights <= L2_BYTES || weights < images * (g->out_blocks / t->k);
}

/* Blocks of output channels for tiles of a single pixel: the sums of so many hide the latency of a
 * multiply-add, and weights come in from several places at once. */
static int choose_single_k_tile(const struct geometry *g)
{
    int k = 1;
    for (int i = 2; i <= SINGLE_TILE; i++)
        if (g->out_blocks / g->spans % i == 0)
            k = i;
    return g->window ? 1 : k;
}

/* How many times the images of a piece of work have to be there to be worth fetching, as long as
 * there are pieces enough. */
static int times_for_work(const struct lowering *l, const struct geometry *g, const struct tiles *t,
                          int out_w)
{
    double taps = (double)g->in_blocks * g->weight_rows * g->kernel_h * g->kernel_w;
    double work = taps * t->k * l->lanes * t->chunk_rows * out_w * t->item_images;
    double pieces = 1.0 * divide_up(l->batch, t->item_images) * t->chunks * (g->out_blocks / t->k);
    return max_int(1, (int)fmin(ITEM_WORK / work, pieces / ITEMS));
}

/* Tiles of OUT_H x OUT_W pixels; a piece of work has CHUNK_ROWS rows at most, in multiples of
 * ROW_MULTIPLE. */
static struct tiles choose_tiles(const struct lowering *l, const struct geometry *g, int out_h,
                                 int out_w, int row_multiple, int chunk_rows)
{
    struct tiles t = {.k = choose_direct_tile(l, g)};
    int most = choose_most_pixels(l, g, t.k, out_w);
    t.columns = choose_columns(out_w, most);
    t.images = g->packed ? 1 : choose_images(l, out_w, most);
    t.single = t.columns * t.images == 1;
    if (t.single)
        t.k = choose_single_k_tile(g);
    t.chunk_rows = min_int(out_h, max_int(chunk_rows / row_multiple, 1) * row_multiple);
    t.chunks = divide_up(out_h, t.chunk_rows);
    t.item_images = t.images;
    t.block_chunk = t.single ? g->in_blocks : choose_block_chunk(l, g, t.k);
    if (t.block_chunk < g->in_blocks) {
        int pixels = t.chunk_rows * out_w * t.images;
        int times = min_int(divide_up(WEIGHT_PIXELS, pixels), divide_up(l->batch, t.images));
        int fit = (int)(L2_BYTES / (read_bytes(g) * t.images));
        t.item_images *= images_outer(l, g, &t) ? max_int(1, min_int(times, fit)) : times;
    }
    t.item_images = g->packed ? 1 : t.item_images * times_for_work(l, g, &t, out_w);
    return t;
}

/* Rows of an image whose sums fill the registers, in equal pieces of the image. */
static int whole_rows(const struct lowering *l, const struct geometry *g)
{
    int most = max_int(1, (l->program->isa->registers - 3) / g->out_w);
    return divide_up(g->out_h, divide_up(g->out_h, most));
}

bool fits_registers(const struct lowering *l, const struct geometry *g)
{
    int rows = whole_rows(l, g);
    int least = rows < g->out_h && streams_weights(l) ? WHOLE_TWICE_PIXELS : WHOLE_PIXELS;
    return !l->training && g->groups == 1 && g->in_block == l->lanes && l->batch < WHOLE_IMAGES &&
           g->out_h <= 2 * rows && rows * g->out_w >= least &&
           rows * g->out_w <= l->program->isa->registers - 3;
}

static struct tiles samples_tiles(const struct lowering *l, const struct geometry *g,
                                  const struct axis *h, const struct axis *w, int row_multiple)
{
    struct samples_tiles samples = choose_samples_tiles(l, g, h, w, row_multiple);
    return (struct tiles){.by_sample = true,
                          .k = samples.k,
                          .columns = samples.columns,
                          .images = 1,
                          .item_images = 1,
                          .block_chunk = g->in_blocks,
                          .chunk_rows = samples.chunk_rows,
                          .chunks = divide_up(h->out, samples.chunk_rows)};
}

/* The tiles of Winograd's method, or with samples or pixels in lanes, if that is the one for this.
 */
static bool choose_other_tiles(const struct lowering *l, const struct geometry *g,
                               const struct axis *h, const struct axis *w, int row_multiple,
                               struct tiles *t)
{
    struct pixel_lanes lanes;
    if (g->samples > 1) {
        *t = samples_tiles(l, g, h, w, row_multiple);
        return true;
    }
    t->pixel_lanes = choose_pixel_lanes(l, g, h, w, row_multiple, &lanes);
    if (t->pixel_lanes) {
        t->k = t->images = t->item_images = 1;
        t->columns = lanes.columns;
        t->block_chunk = g->in_blocks;
        t->chunk_rows = lanes.chunk_rows;
        t->chunks = divide_up(h->out, t->chunk_rows);
        return true;
    }
    t->by_winograd = choose_winograd(l, g, h, w, row_multiple, &t->winograd);
    if (t->by_winograd) {
        t->item_images = t->winograd.item_images;
        t->chunk_rows = t->winograd.chunk_rows;
        t->chunks = t->winograd.chunks;
    }
    return t->by_winograd;
}

/* Rows a chunk so that one image alone gives ITEMS pieces of work. */
static int rows_for_threads(const struct lowering *l, const struct geometry *g, int out_h, int k)
{
    int pieces = l->batch * (g->out_blocks / k);
    return max_int(1, out_h / max_int(1, divide_up(ITEMS, pieces)));
}

/* ---- the kernel shared by forward and backward data ---- */

/* How many input channels the code of a tap has in a row. Where sums are few, a block's loop would
 * cost as much as one channel of it each time it ends; short blocks of one tap gain by half. */
static int channel_unroll(const struct lowering *l, const struct geometry *g, const struct tiles *t)
{
    bool few = 2 * t->k * t->columns * t->images <= l->program->isa->registers;
    if (g->window || g->in_c % g->in_block != 0)
        return 1;
    if (is_pointwise(l, g))
        return shares_lines(l) ? max_int(1, g->in_block / 2) : 1;
    return few && g->kernel_h * g->kernel_w > 1 ? g->in_block : 1;
}

/* How many taps of a row the code has. Where a tap is one channel, gcc takes the sums of several
 * from register to register, and to memory where there are but 16. */
static int tap_unroll(const struct lowering *l, const struct geometry *g, const struct axis *w)
{
    return g->in_block == 1 && l->program->isa->registers < 32 ? 1 : w->taps;
}

/* OpenMP's way to deal out the pieces of work. */
static const char *schedule(const struct lowering *l, const struct geometry *g,
                            const struct tiles *t)
{
    if (t->single || t->by_sample) /* to each thread what it had in the call or kernel before */
        return "static";
    if (g->packed && l->batch * t->chunks >= ITEMS) /* all that read a copy */
        return "dynamic, K_TILES";
    return l->batch == 1 && !l->training ? "guided" /* neighbours, which share weights */
                                         : "dynamic, lathe_turn(items)";
}

double written_floats(const struct lowering *l, const struct geometry *g, const struct axis *h,
                      const struct axis *w)
{
    return (double)l->batch * l->lanes * g->out_blocks * h->full * w->full;
}

/* Not with phases: a row's come in turns, and what leaves the caches would leave in pieces. */
static bool streams(const struct lowering *l, const struct geometry *g, const struct axis *h,
                    const struct axis *w)
{
    if (h->out_step * w->out_step > 1)
        return false;
    bool few_terms = g->window > 0 || g->in_c * h->taps * w->taps <= FEW_TERMS;
    return few_terms && 4 * written_floats(l, g, h, w) > STREAM_BYTES;
}

/* A phase: what of the formula differs between them. */
static void add_phase(const struct lowering *l, struct value *a, const struct geometry *g,
                      const struct axis *h, const struct axis *w, const struct tiles *t)
{
    bool plain = !t->pixel_lanes && !t->by_sample;
    int least = plain ? divide_up(LATENCY_SUMS, t->k * t->images) : 1;
    int step = streams(l, g, h, w) ? divide_up(CACHE_LINE, l->lanes) : 1; /* whole lines leave */
    struct row row = divide_row(w->out, t->columns, least, step);
    add_axis(l, a, "H", h);
    add_axis(l, a, "W", w);
    value_int(a, "TAP_FIRST", h->tap_first * g->kernel_w + w->tap_first);
    value_int(a, "TAP_ROW", h->tap_step * g->kernel_w);
    value_int(a, "TAP_COLUMN", w->tap_step);
    value_int(a, "tap_unroll", tap_unroll(l, g, w));
    add_segments(l, a, w, &row);
    add_tile_shapes(l, a, w, t->images, &row);
}

/* Whether a tile asks for the pixels of the next one, which come from the second-level cache. Tiles
 * of several images have most of theirs from the row before. */
static bool fetches_ahead(const struct lowering *l, const struct geometry *g, const struct tiles *t)
{
    return g->in_block == l->lanes && !t->single && !g->packed &&
           (t->images == 1 || is_pointwise(l, g));
}

/* Everything of the formula, H and W of its first phase: in G the roles of input and output are the
 * kernel's own. */
static void add_conv_arguments(const struct lowering *l, struct call *call,
                               const struct geometry *g, const struct axis *h, const struct axis *w,
                               const struct tiles *t)
{
    struct value *a = call->arguments;
    int blocks_span = g->out_blocks / g->spans;
    add_phase(l, a, g, h, w, t);
    value_int(a, "IN_BLOCK", g->in_block);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "IMAGE_BLOCKS", g->image_blocks);
    value_int(a, "WEIGHT_ROWS", g->weight_rows);
    value_int(a, "LAST_BLOCK", g->in_c - (g->in_blocks - 1) * g->in_block);
    value_int(a, "OUT_BLOCKS", g->out_blocks);
    value_int(a, "SPAN_BLOCKS", blocks_span);
    value_int(a, "TAPS", g->kernel_h * g->kernel_w);
    value_int(a, "K_TILE", t->k);
    value_int(a, "K_TILES", g->out_blocks / t->k);
    value_int(a, "ITEM_IMAGES", t->item_images);
    value_int(a, "BLOCK_CHUNK", t->block_chunk);
    value_int(a, "CHUNK_ROWS", t->chunk_rows);
    value_int(a, "CHUNKS", t->chunks);
    value_flag(a, "images_outer", images_outer(l, g, t));
    value_text(a, "schedule", schedule(l, g, t));
    value_flag(a, "by_row", !t->single && meets_rows(l, g, t->k));
    value_flag(a, "weights_by_row", streams_weights(l));
    value_flag(a, "fetches_ahead", fetches_ahead(l, g, t));
    value_flag(a, "fetches_lines", fetches_ahead(l, g, t) && shares_lines(l));
    value_int(a, "LINE_PIXELS", max_int(1, CACHE_LINE / (g->in_block * w->in_step)));
    value_int(a, "channel_unroll", channel_unroll(l, g, t));
    add_packed(a, g);
    add_groups(l, a, g);
    value_flag(a, "streams", streams(l, g, h, w));
    value_flag(a, "single", t->single);
    value_flag(a, "by_sample", t->by_sample);
    if (t->by_sample)
        add_samples(a, g);
    value_flag(a, "pixel_lanes", t->pixel_lanes);
    if (t->pixel_lanes)
        add_pixel_lanes(l, a, g, h, w, t->columns, t->chunk_rows);
}

/* ---- forward ---- */

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

/* The call WHAT of either method, with the operands that it convolves. */
static struct call *start_conv(struct lowering *l, const struct group *group, const char *what,
                               const char *label, const struct geometry *g, const struct axis *h,
                               const struct axis *w, const struct tiles *t, struct region *in,
                               struct region *weight)
{
    if (t->by_winograd)
        return start_winograd(l, group, what, label, g, h, w, &t->winograd, in, weight);
    struct geometry image = head_geometry(l, group->head);
    struct call *call = add_call(l, group, t->whole ? "conv_whole.c.t" : "conv.c.t",
                                 geometry_name(l, &image, what), label);
    add_conv_arguments(l, call, g, h, w, t);
    value_int(call->arguments, "rows", whole_rows(l, g));
    value_int(call->arguments, "pixels", whole_rows(l, g) * w->out);
    value_int(call->arguments, "AHEAD", WHOLE_AHEAD);
    read_operand(l, call, "in", in);
    read_operand(l, call, "weight", weight);
    return call;
}

static struct call *start_forward(struct lowering *l, const struct group *group, const char *what,
                                  const struct geometry *g, const struct tiles *t,
                                  struct region *in)
{
    struct axis h, w;
    forward_axes(g, &h, &w);
    struct call *call = start_conv(l, group, what, "forward", g, &h, &w, t, in,
                                   l->of_parameter[group->head->inputs[1]->id]);
    add_costs(l, call, g, g->flops, group->output);
    value_child(call->arguments, "more_phases", value_table(l->arena));
    value_flag(call->arguments, "accumulates", false);
    value_flag(call->arguments, "writes_zeros", false);
    return call;
}

static struct tiles whole_image(const struct geometry *g)
{
    return (struct tiles){.whole = true,
                          .k = 1,
                          .columns = g->out_w,
                          .images = 1,
                          .item_images = 1,
                          .block_chunk = g->in_blocks,
                          .chunk_rows = g->out_h,
                          .chunks = 1};
}

/* Rows of a pooled plane that fit on the stack, in whole windows. */
static int plane_rows(const struct lowering *l, const struct geometry *g, int k)
{
    return PLANE_BYTES / (4 * l->lanes * k * g->out_w);
}

static struct tiles inference_tiles(const struct lowering *l, const struct group *group,
                                    const struct geometry *g)
{
    bool pooled = group->pool != NULL;
    int k = choose_direct_tile(l, g), multiple = pooled ? group->pool->pool.kernel_h : 1;
    struct axis h, w;
    struct tiles t = {0};
    forward_axes(g, &h, &w);
    if (!g->packed && choose_other_tiles(l, g, &h, &w, multiple, &t))
        return t;
    int rows = g->packed ? packed_rows(l, g) : rows_for_threads(l, g, g->out_h, k);
    rows = min_int(rows, pooled ? plane_rows(l, g, k) : rows_in_cache(g, g->out_h));
    t = choose_tiles(l, g, g->out_h, g->out_w, multiple, rows);
    if (pooled || t.chunks > 1)
        t.images = t.item_images = 1;
    if (!g->packed && fits_registers(l, g))
        t = whole_image(g);
    return t;
}

static struct geometry inference_geometry(const struct lowering *l, const struct group *group)
{
    struct geometry g = head_geometry(l, group->head), packed;
    if (choose_packed(l, &g, group->before, group->pool ? group->pool->pool.kernel_h : 0, &packed))
        return packed;
    return group->pool ? g : matrix_geometry(l, &g);
}

struct call *lower_conv_inference(struct lowering *l, const struct group *group,
                                  const struct norm_regions *norm,
                                  const struct norm_regions *before)
{
    struct geometry g = inference_geometry(l, group);
    bool pooled = group->pool != NULL;
    if (group->before && !g.packed)
        lower_chain_forward(l, group->before, before);
    struct tiles t = inference_tiles(l, group, &g);
    struct region *in =
        region_of(l, group->before && g.packed ? group->before->input : group->input);
    struct call *call = start_forward(l, group, "infer", &g, &t, in);
    struct load *load = &l->program->loads.items[l->program->loads.count - 1];
    read_operand(l, call, "bias", load->packed_bias);
    value_flag(call->arguments, "biased", true);
    value_flag(call->arguments, "keeps_raw", false);
    value_flag(call->arguments, "gathers", false);
    value_flag(call->arguments, "second_pass", pooled);
    add_pool(l, call, group);
    add_steps(l, call, "steps", group, group->norm == 0 ? 1 : 0, steps_before_pool(group), norm);
    value_child(call->arguments, "after", value_table(l->arena));
    add_steps(l, call, "pooled_steps", group, steps_before_pool(group), group->steps.count, norm);
    value_child(call->arguments, "before_moments", value_table(l->arena));
    int inner = call->operands.count;
    add_before(l, call, g.packed ? group->before : NULL, before);
    write_operand(l, call, "out", region_of(l, group->output));
    outer_operands(call, call->operands.count - inner);
    count_operand(l, call);
    return call;
}

/* SECOND: a pass over the rows just made follows, which needs them as they are. */
static struct tiles training_tiles(const struct lowering *l, const struct group *group, bool second,
                                   struct geometry *g)
{
    struct geometry image = dense_geometry(l, group->head), packed;
    bool packs = !second && choose_packed(l, &image, false, 0, &packed);
    *g = packs ? packed : second ? image : matrix_geometry(l, &image);
    int multiple = second && group->pool ? group->pool->pool.kernel_h : 1;
    struct axis h, w;
    struct tiles t = {0};
    forward_axes(g, &h, &w);
    if (!packs && choose_other_tiles(l, g, &h, &w, multiple, &t))
        return t;
    int rows = packs ? packed_rows(l, g) : rows_in_cache(g, g->out_h);
    return choose_tiles(l, g, g->out_h, g->out_w, multiple, rows);
}

struct partials conv_partials(const struct lowering *l, const struct group *group)
{
    struct geometry g;
    struct tiles t = training_tiles(l, group, false, &g);
    return (struct partials){.count = divide_up(l->batch, t.item_images) * t.chunks,
                             .images = t.item_images,
                             .chunks = t.chunks,
                             .chunk_rows = t.chunk_rows,
                             .h = g.out_h,
                             .w = g.out_w};
}

/* A ReLU is all that follows, and its result has its slopes too: raw need not be kept beside it. */
static bool is_raw_in_output(const struct lowering *l, const struct group *group)
{
    return group->steps.count == 1 && !group->pool && !l->program->keep &&
           group->steps.items[0]->op == OP_curve &&
           group->steps.items[0]->curve->kind == CURVE_RELU;
}

/* MOMENTS: where the epilogue leaves partial statistics, with batchnorm; then the steps are another
 * call's. Without, steps and pool run on the plane just made, which stays as raw. */
struct call *lower_conv_training(struct lowering *l, const struct group *group,
                                 struct region *moments)
{
    struct geometry g;
    bool in_place = is_raw_in_output(l, group);
    bool second = !moments && !in_place && (group->steps.count > 0 || group->pool);
    struct tiles t = training_tiles(l, group, second, &g);
    struct call *call = start_forward(l, group, "forward", &g, &t, dense_input(l, group));
    add_before(l, call, NULL, NULL);
    bool biased = group->head->input_count > 2;
    value_flag(call->arguments, "biased", biased);
    if (biased)
        read_operand(l, call, "bias", l->of_parameter[group->head->inputs[2]->id]);
    value_flag(call->arguments, "keeps_raw", second);
    value_flag(call->arguments, "gathers", moments != NULL);
    value_flag(call->arguments, "second_pass", second);
    struct norm_regions none = {0};
    int steps = second ? group->steps.count : 0;
    add_steps(l, call, "steps", group, 0, in_place ? 1 : 0, &none);
    add_steps(l, call, "before_moments", group, 0, moments ? group->norm : 0, &none);
    int inner = call->operands.count;
    add_steps(l, call, "after", group, 0, second ? steps_before_pool(group) : 0, &none);
    add_steps(l, call, "pooled_steps", group, steps_before_pool(group), steps, &none);
    if (second)
        write_operand(l, call, "raw", region_of(l, group->raw));
    if (in_place)
        l->of_tensor[layout_of(l, group->raw)->root->id] = region_of(l, group->output);
    struct group unpooled = *group;
    if (moments)
        unpooled.pool = NULL;
    add_pool(l, call, &unpooled);
    write_operand(l, call, "out", region_of(l, moments ? group->raw : group->output));
    if (moments)
        write_operand(l, call, "moments", moments);
    if (steps_are_random(l, group, 0, steps))
        random_operands(l, call);
    outer_operands(call, call->operands.count - inner);
    count_operand(l, call);
    return call;
}

/* ---- backward data ---- */

/* G's weight as B, the exchanged geometry, wants it. */
static struct region *transposed_weight(struct lowering *l, const struct group *group,
                                        const struct geometry *g, const struct geometry *b)
{
    struct geometry image = head_geometry(l, group->head);
    size_t floats = (size_t)b->out_blocks * b->in_blocks * g->kernel_h * g->kernel_w *
                    b->weight_rows * l->lanes;
    struct region *region = scratch(
        l, arena_printf(l->arena, "%s.weight.transposed", group->head->name), floats, "packed");
    struct call *call =
        add_call(l, group, g->window ? "transpose_narrow.c.t" : "transpose.c.t",
                 geometry_name(l, &image, "transpose"), "weights for backward data");
    struct value *a = call->arguments;
    value_int(a, "OUT_BLOCKS", g->out_blocks / g->spans);
    value_int(a, "IN_BLOCKS", b->out_blocks / b->spans);
    value_int(a, "SPANS", g->spans);
    value_int(a, "TAPS", g->kernel_h * g->kernel_w);
    value_int(a, "C", g->in_c);
    value_int(a, "WINDOW", g->window);
    value_int(a, "WINDOW_BACK", b->window);
    add_groups(l, a, g);
    read_operand(l, call, "weight", l->of_parameter[group->head->inputs[1]->id]);
    write_operand(l, call, "transposed", region);
    return region;
}

/* A stride's only tap: where the image is nothing but places that it meets and those between, the
 * first phase writes the others' zeros beside its own pixels, before the next line comes in. */
static bool writes_zeros(const struct lowering *l, const struct geometry *g, bool accumulates)
{
    return is_pointwise(l, g) && g->stride_h * g->stride_w > 1 && !accumulates &&
           g->out_h * g->stride_h == g->in_h && g->out_w * g->stride_w == g->in_w &&
           g->pad_top == 0 && g->pad_left == 0;
}

/* The axes of G's first phase; the matrix product B of a stride's grid writes to places of IMAGE.
 */
static void first_axes(const struct geometry *image, const struct geometry *g,
                       const struct geometry *b, struct axis *h, struct axis *w)
{
    backward_axes(g, 0, 0, h, w);
    if (b->grid_w == 0)
        return;
    h->full = image->in_h;
    w->full = image->in_w;
    h->out_step = image->stride_h;
    w->out_step = image->stride_w;
}

/* All phases but the first, whose grid none of theirs exceeds; ONCE: that one does it all. */
static void add_more_phases(struct lowering *l, struct value *arguments, const struct geometry *g,
                            const struct geometry *b, const struct tiles *t, bool once)
{
    struct value *more = value_table(l->arena);
    int rows = once ? 1 : min_int(g->stride_h, g->in_h);
    int columns = once ? 1 : min_int(g->stride_w, g->in_w);
    for (int i = 1; i < rows * columns; i++) {
        struct axis h, w;
        backward_axes(g, i / columns, i % columns, &h, &w);
        struct value *a = value_table(l->arena);
        struct tiles own = *t;
        own.columns = choose_columns(w.out, t->columns);
        add_phase(l, a, b, &h, &w, &own);
        value_child(more, NULL, a);
    }
    value_child(arguments, "more_phases", more);
}

/* What a forward kernel has, and backward data does without. */
static void add_no_steps(struct lowering *l, struct call *call)
{
    static const char *const off[] = {"biased", "keeps_raw", "gathers", "second_pass"};
    for (int i = 0; i < 4; i++)
        value_flag(call->arguments, off[i], false);
    static const char *const lists[] = {"steps", "after", "pooled_steps", "before_moments",
                                        "before"};
    for (int i = 0; i < 5; i++)
        value_child(call->arguments, lists[i], value_table(l->arena));
    add_pool(l, call, &(struct group){0});
}

void lower_conv_data(struct lowering *l, const struct group *group, struct region *dy,
                     struct region *dx, struct region *accumulate)
{
    struct geometry image = head_geometry(l, group->head), b;
    bool once = writes_zeros(l, &image, accumulate);
    struct geometry g = data_geometry(l, &image, once, &b);
    struct region *weight = g.samples > 1 ? l->of_parameter[group->head->inputs[1]->id]
                                          : transposed_weight(l, group, &g, &b);
    struct axis h, w;
    first_axes(&image, &g, &b, &h, &w);
    struct tiles t = {0};
    int rows = b.packed ? packed_rows(l, &b) : rows_in_cache(&b, h.out);
    if (b.packed || !choose_other_tiles(l, &b, &h, &w, 1, &t))
        t = choose_tiles(l, &b, h.out, w.out, 1, rows);
    struct call *call =
        start_conv(l, group, "backward_data", "backward data", &b, &h, &w, &t, dy, weight);
    if (!t.by_winograd) /* which strides have none of */
        add_more_phases(l, call->arguments, &g, &b, &t, once);
    add_costs(l, call, &b, g.flops, group->input);
    add_no_steps(l, call);
    value_flag(call->arguments, "writes_zeros", once);
    bool leaves = b.grid_w == 0 && leaves_caches(l, written_floats(l, &b, &h, &w));
    value_flag(call->arguments, "streams_zeros", leaves);
    value_flag(call->arguments, "accumulates", accumulate != NULL);
    if (accumulate)
        read_operand(l, call, "accumulate", accumulate);
    write_operand(l, call, "out", dx);
    outer_operands(call, 1);
    count_operand(l, call);
}
