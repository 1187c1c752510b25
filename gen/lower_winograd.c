/*
 * lower_winograd: 3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3), forward and, of stride 1,
 * backward data (Lavin, Gray: "Fast algorithms for convolutional neural networks", 2016).
 *
 * Tiles of 6 x 6 pixels and the weights are transformed; each of the 36 positions is then a matrix
 * product, (tiles x input channels) x (input x output channels), and the sums transformed back are
 * tiles of 4 x 4 pixels: 36 multiplications where the direct kernel has 144.
 *
 * Items (winograd.c.t): a piece of work makes some tiles from beginning to end. The weights stream
 * through the cache once an item. Phases (winograd_phases.c.t): where the cache holds too few tiles
 * of so many channels, and the whole batch has not many, the weights are read once for all tiles.
 *
 * Inference of few samples reads weights, four times as many as a direct convolution's, rather than
 * it computes. An item then is some output channels of all tiles, weights are asked for before they
 * are needed, and F(2 x 2, 3 x 3), whose weights are 16 for 9, is tried as well, and between them
 * F(3 x 3, 3 x 3). Where the cache keeps all weights, items are rows of tiles.
 *
 * Of stride 2, forward, tiles of M x M pixels come from 2 M + 1 rows and columns, and as many
 * products of each: 81 for 144 where M is 4, 25 for 36 where it is 2, whose weights are fewer.
 *
 * Where the last row or column of tiles reaches beyond the image, some positions count for none of
 * its pixels, and have no such tiles: of 14 x 14 pixels in tiles of 4 x 4, 23 x 23 products are
 * left of 24 x 24, of 7 x 7 pixels 11 x 11 of 12 x 12.
 *
 * Inference of an image by 7 x 7 taps of stride 2 is folded (winograd_fold.c.t): every second row
 * and column of pixels are four images of stride 1, which F(3 x 3, 4 x 4) takes for channels.
 */
#include "lower.h"
#include "winograd.h"
#include <math.h>

enum {
    R = 3,
    FOLDED_R = 4,        /* every second tap of 7 or 8, */
    FOLDED_M = 3,        /* in tiles of as many pixels as F(4 x 4, 3 x 3) has */
    FOLDED_CHANNELS = 4, /* each of which becomes four, */
    FOLDED_TERMS = 140,  /* of a sum: with fewer, errors are large beside the bound */
    MOST_M = 4,          /* tiles of M x M pixels: 4; */
    LEAST_M = 2,         /* where weights count, down to 2, whose weights are less than half */
    PIXEL_BYTES = 1280 * 1024, /* of the second-level cache, what an item's pixels may fill, */
    KEPT_BYTES = 640 * 1024,   /* and there beside them, weights of all channels */
    SUM_BYTES = 256 * 1024,    /* likewise its sums */
    LEAST_TILES = 16,          /* that pieces of an image have, */
    KEPT_TILES = 8,            /* and where the weights stay in the cache */
    FEW_TILES = 48,            /* in an item, too few for the weights that are read for it, */
    MANY_TILES = 64,           /* and enough, though the cache does not hold them */
    PHASE_TILES = 1024,        /* of a batch, that are kept all at once */
    MOST_SHAPED = 8,     /* tiles in a row, of which the last one's products are worth leaving */
    LEAST_CHANNELS = 32, /* with fewer, errors are large beside the bound */
    SLOTS = 16,          /* threads that have scratch memory */
};

/* The cost model's. */
static const double EFFICIENCY = 0.9;      /* of products in registers */
static const double TRANSFORM = 4.72;      /* of a position of a block of channels, either way */
static const double PIXEL_TRANSFORM = 14;  /* the same of a position where tiles are few, forth, */
static const double SUM_TRANSFORM = 8;     /* and back */
static const double BYTES_MEANWHILE = 2;   /* from beyond the second-level cache */
static const double BYTES_AHEAD = 2.5;     /* the same, asked for before they are needed; */
static const double WIDE_BYTES = 6;        /* tiles and weights of 16 lanes, measured on Zen 4 */
static const double KEPT_TILE_BYTES = 8e6; /* of tiles in phases, that the caches keep, */
static const double KEPT_PASSES = 0.5;     /* which count as so many bytes from beyond; */
static const double LOST_PASSES = 3;       /* others are fetched to be written, written, read */
static const double WORTH = 0.9;           /* of the direct kernel's cost, to be chosen, */
static const double STRIDED_SHARE = 0.8;   /* whose sums are few where registers are, of stride 2 */
/* In training. */
static const double TRAINING_EFFICIENCY = 0.8;
static const double TRAINING_TRANSFORM = 18.9;
static const double TILE_BYTES = 0.73; /* of tiles in phases, to memory and from there */
static const double WEIGHT_BYTES =
    4.7; /* of weights: from memory, to it, and each pass over them */

/* ---- sizes ---- */

static int positions(const struct winograd_plan *p)
{
    int n = p->stride * (p->m - 1) + p->r;
    return n * n;
}

/* The largest divisor of COUNT that is a multiple of UNIT and at most MOST; or UNIT. */
static int largest_divisor(int count, int unit, int most)
{
    int best = unit;
    for (int d = unit; d <= count && d <= most; d += unit)
        if (count % d == 0)
            best = d;
    return best;
}

/* The fewest rows of tiles of M x M whose pixels are a multiple of ROW_MULTIPLE rows. */
static int least_rows(int m, int row_multiple)
{
    int rows = row_multiple;
    while (rows % m != 0)
        rows += row_multiple;
    return rows / m;
}

static void set_chunks(struct winograd_plan *p, int chunk_tiles)
{
    p->chunk_tiles = chunk_tiles;
    p->chunks = divide_up(p->tiles_h, chunk_tiles);
    p->chunk_rows = chunk_tiles * p->m;
}

/* Whole images, or rows of tiles whose pixels are a multiple of ROW_MULTIPLE rows. */
static void choose_items(const struct lowering *l, struct winograd_plan *p, int most,
                         int row_multiple)
{
    int tiles = p->tiles_h * p->tiles_w, unit = least_rows(p->m, row_multiple);
    p->item_images = 1;
    if (tiles <= most) {
        p->item_images = max_int(1, min_int(most / tiles, divide_up(l->batch, ITEMS)));
        set_chunks(p, p->tiles_h);
    } else
        set_chunks(p, min_int(p->tiles_h, max_int(most / p->tiles_w / unit, 1) * unit));
}

/* An item is K_TILE blocks of output channels of as many tiles as fit the cache, fewer where that
 * leaves threads without work. */
static void share_items(const struct lowering *l, const struct geometry *g, struct winograd_plan *p,
                        int most, int row_multiple)
{
    int unit = least_rows(p->m, row_multiple), shares = g->out_blocks / p->k_tile;
    p->shares = true;
    choose_items(l, p, most, row_multiple);
    p->item_images = max_int(1, min_int(most / (p->tiles_h * p->tiles_w), l->batch));
    set_chunks(p, round_up(divide_up(p->tiles_h, p->chunks), unit));
    while (p->chunks * shares < ITEMS / 2 && p->chunk_tiles > unit &&
           p->chunk_tiles * p->tiles_w > LEAST_TILES)
        set_chunks(p, round_up(divide_up(p->chunk_tiles, 2), unit));
    p->slots = min_int(SLOTS, divide_up(l->batch, p->item_images) * p->chunks * shares);
}

static double weight_bytes(const struct lowering *l, const struct geometry *g, int vectors)
{
    return 4.0 * vectors * g->in_blocks * g->out_blocks * l->lanes * l->lanes;
}

/* Whether a thread's cache keeps all transformed weights from one item to the next. */
static bool keeps_weights(const struct lowering *l, const struct geometry *g,
                          const struct winograd_plan *p)
{
    return weight_bytes(l, g, positions(p)) <= KEPT_BYTES;
}

/* Tiles whose pixels fit the cache beside the weights that stay there, and whose sums do. */
static int most_tiles(const struct lowering *l, const struct geometry *g,
                      const struct winograd_plan *p)
{
    double kept = keeps_weights(l, g, p) ? weight_bytes(l, g, positions(p)) : 0;
    int block = 4 * positions(p) * l->lanes;
    return min_int((int)((PIXEL_BYTES - kept) / (block * g->in_blocks)),
                   2 * SUM_BYTES / (block * p->k_tile));
}

/* Smaller items, until there are enough for some threads. */
static void split_items(const struct lowering *l, struct winograd_plan *p, int row_multiple)
{
    int unit = least_rows(p->m, row_multiple);
    while (divide_up(l->batch, p->item_images) * p->chunks < ITEMS / 2 && p->chunk_tiles > unit &&
           p->chunk_tiles * p->tiles_w > KEPT_TILES)
        set_chunks(p, round_up(p->chunk_tiles / 2, unit));
}

/* Items, phases, or items that are shared. */
static void choose_order(const struct lowering *l, const struct geometry *g,
                         struct winograd_plan *p, int row_multiple)
{
    int most = most_tiles(l, g, p), tiles = p->tiles_h * p->tiles_w;
    bool few_tiles = most < FEW_TILES;
    choose_items(l, p, few_tiles ? MANY_TILES : most, row_multiple);
    p->slots = SLOTS;
    if (keeps_weights(l, g, p))
        split_items(l, p, row_multiple);
    bool few_items = divide_up(l->batch, p->item_images) < ITEMS / 2;
    p->phases = (few_tiles || few_items) && !keeps_weights(l, g, p) && p->chunks == 1 &&
                l->batch * tiles <= PHASE_TILES;
    bool once = l->batch == 1 || l->batch * tiles <= most; /* weights are read */
    if (!l->training && few_items && p->chunks * l->batch < ITEMS / 2 && (once || !p->phases)) {
        p->phases = false;
        share_items(l, g, p, most, row_multiple);
    }
}

/* Tiles of an item. */
static int item_tiles(const struct winograd_plan *p)
{
    const struct tile_shape *all = &p->shapes[0];
    return all->groups * all->tile - all->narrow;
}

/* Blocks of output channels whose sums are kept at once. */
static int choose_k_chunk(const struct lowering *l, const struct geometry *g,
                          const struct winograd_plan *p)
{
    if (p->phases)
        return g->out_blocks;
    if (p->shares)
        return p->k_tile;
    int bytes = 4 * positions(p) * p->shapes[0].groups * p->shapes[0].tile * l->lanes;
    return largest_divisor(g->out_blocks, p->k_tile, SUM_BYTES / bytes);
}

/* Bit i: position i, of those of one dimension, counts for some of the first PIXELS of a tile. */
static unsigned needed_positions(const struct winograd_plan *p, int pixels)
{
    struct winograd f = winograd_make_strided(p->m, p->r, p->stride);
    unsigned needed = 0;
    for (int i = 0; i < f.n; i++)
        for (int y = 0; y < pixels; y++)
            if (f.output.at[y][i] != 0)
                needed |= 1u << i;
    return needed;
}

/* Where the last row or column of tiles reaches beyond the image, there are positions that none of
 * its pixels needs. */
static void choose_shapes(const struct lowering *l, const struct geometry *g, const struct axis *h,
                          const struct axis *w, struct winograd_plan *p)
{
    int images = p->phases ? l->batch : p->item_images, most = accumulators(l, g, p->k_tile);
    bool last_rows = p->chunks == 1 && p->tiles_h > 1 && p->tiles_h <= MOST_SHAPED;
    bool last_columns = p->tiles_w > 1 && p->tiles_w <= MOST_SHAPED;
    unsigned all = needed_positions(p, p->m);
    p->rows_needed = last_rows ? needed_positions(p, h->out - (p->tiles_h - 1) * p->m) : all;
    p->columns_needed = last_columns ? needed_positions(p, w->out - (p->tiles_w - 1) * p->m) : all;
    p->column_shapes = p->columns_needed == all ? 1 : 2;
    p->shape_count = p->column_shapes * (p->rows_needed == all ? 1 : 2);
    for (int i = 0; i < p->shape_count; i++) {
        struct tile_shape *s = &p->shapes[i];
        s->rows = p->chunk_tiles - i / p->column_shapes;
        s->columns = p->tiles_w - i % p->column_shapes;
        int tiles = images * s->rows * s->columns;
        s->tile = choose_columns(tiles, most);
        s->groups = divide_up(tiles, s->tile);
        s->narrow = s->groups * s->tile - tiles;
    }
}

/* Positions that a tile has, on average. */
static double tile_positions(const struct winograd_plan *p)
{
    int n = p->stride * (p->m - 1) + p->r;
    int rows = p->tiles_h * n, columns = p->tiles_w * n;
    for (int i = 0; i < n; i++) {
        rows -= !(p->rows_needed >> i & 1);
        columns -= !(p->columns_needed >> i & 1);
    }
    return (double)rows * columns / (p->tiles_h * p->tiles_w);
}

/* Tiles of M x M pixels and R x R taps, and blocks of output channels, that an item has, and of
 * those in registers. */
static struct winograd_plan choose_plan(const struct lowering *l, const struct geometry *g,
                                        const struct axis *h, const struct axis *w,
                                        int row_multiple, int m, int r)
{
    struct winograd_plan p = {.m = m,
                              .r = r,
                              .stride = g->stride_h,
                              .tiles_h = divide_up(h->out, m),
                              .tiles_w = divide_up(w->out, m)};
    p.k_tile = choose_k_tile(g);
    choose_order(l, g, &p, row_multiple);
    choose_shapes(l, g, h, w, &p);
    p.k_chunk = choose_k_chunk(l, g, &p);
    return p;
}

/* ---- costs ---- */

/* All in multiply-adds of a vector that a core could do meanwhile, the work of a whole batch. */

/* Arithmetic while BYTES of weights come: half of the one is hidden behind the other. */
static double cost_beside(double arithmetic, double bytes)
{
    double memory = bytes / BYTES_AHEAD;
    return fmax(arithmetic, memory) + fmin(arithmetic, memory) / 2;
}

/* Of transformed tiles, to memory and from there. */
static double moved_bytes(const struct lowering *l, const struct geometry *g,
                          const struct winograd_plan *p, double tiles)
{
    int blocks = g->in_blocks + g->out_blocks;
    return p->phases ? 4.0 * l->lanes * positions(p) * tiles * blocks : 0;
}

/* In training pixels come from memory and go there, and so do tiles in phases; weights are
 * transformed and written, and read in PASSES. Fitted to layers of 16 to 512 channels, 56 to 7
 * rows, of 16 samples, within a fifth of the direct kernel's time (`bench methods`). */
static double training_cost(const struct lowering *l, const struct geometry *g,
                            const struct winograd_plan *p, double tiles, double passes)
{
    double products = tile_positions(p) * tiles * g->in_blocks * l->lanes * g->out_blocks;
    double blocks = positions(p) * tiles * (g->in_blocks + g->out_blocks);
    return products / TRAINING_EFFICIENCY + TRAINING_TRANSFORM * blocks +
           moved_bytes(l, g, p, tiles) / TILE_BYTES +
           weight_bytes(l, g, positions(p)) / WEIGHT_BYTES * (passes + 2);
}

/* Products, which run at nine tenths of the peak; transforms of tiles; weights, and tiles in
 * phases, from beyond the second-level cache. */
static double winograd_cost(const struct lowering *l, const struct geometry *g,
                            const struct winograd_plan *p, int batch)
{
    double blocks_in = g->in_blocks, blocks_out = g->out_blocks, channels = blocks_in * l->lanes;
    double tiles = (double)batch * p->tiles_h * p->tiles_w,
           bytes = weight_bytes(l, g, positions(p));
    double products = tile_positions(p) * tiles * channels * blocks_out / EFFICIENCY;
    double items = ceil((double)batch / p->item_images) * p->chunks;
    if (p->shares) { /* each of two threads transforms all pixels */
        double transforms = 2 * PIXEL_TRANSFORM * blocks_in + SUM_TRANSFORM * blocks_out;
        return cost_beside(products + positions(p) * tiles * transforms, bytes * items);
    }
    /* items' products go on while their weights come */
    double passes = p->phases || keeps_weights(l, g, p) ? 1 : items / 2;
    if (l->training)
        return training_cost(l, g, p, tiles, passes);
    double moved = moved_bytes(l, g, p, tiles), kept = fmin(moved, KEPT_TILE_BYTES);
    double moves = KEPT_PASSES * kept + LOST_PASSES * (moved - kept);
    double meanwhile = l->lanes == 16 ? WIDE_BYTES : BYTES_MEANWHILE;
    return products + TRANSFORM * positions(p) * tiles * (blocks_in + blocks_out) +
           (moves + bytes * passes) / meanwhile;
}

/* The same for the direct kernel, which asks for weights ahead where an image is in registers. */
static double direct_cost(const struct lowering *l, const struct geometry *g, const struct axis *h,
                          const struct axis *w, int batch)
{
    double products = batch * axis_pairs(h) * axis_pairs(w) * g->in_c * g->out_blocks / EFFICIENCY;
    double bytes = weight_bytes(l, g, R * R);
    if (g->stride_h > 1 && l->program->isa->registers < 32)
        products /= STRIDED_SHARE;
    return fits_registers(l, g) ? cost_beside(products, bytes) : products + bytes / BYTES_MEANWHILE;
}

/* ---- stride 2 of few channels ---- */

/* Rows and columns of 2 h + a and 2 w + b are four images of stride 1, of which tap 2 r + a, 2 s +
 * b is tap r, s: four channels for each. */
static bool can_fold(const struct lowering *l, const struct geometry *g, const struct axis *h,
                     const struct axis *w)
{
    return !l->training && g->in_block == 1 && g->in_c <= FOLDED_CHANNELS && g->groups == 1 &&
           g->stride_h == 2 && g->stride_w == 2 && g->dilation_h == 1 && g->dilation_w == 1 &&
           g->kernel_h == g->kernel_w && divide_up(g->kernel_h, 2) == FOLDED_R &&
           g->in_c * g->kernel_h * g->kernel_w >= FOLDED_TERMS && h->in_step == 2 &&
           h->taps == g->kernel_h && w->taps == g->kernel_w;
}

/* G with its four images as channels. */
static struct geometry folded_geometry(const struct lowering *l, const struct geometry *g)
{
    struct geometry folded = *g;
    folded.in_block = l->lanes;
    folded.in_c = 4 * g->in_c;
    folded.stride_h = folded.stride_w = 1;
    folded.in_blocks = divide_up(folded.in_c, l->lanes);
    return folded;
}

/* Pixels of an item's folded rows and of one of them, with what the last tile reads beyond. */
static int folded_width(const struct winograd_plan *p)
{
    return p->tiles_w * p->m + p->r - 1;
}
static int folded_pixels(const struct winograd_plan *p)
{
    return p->folded ? (p->chunk_tiles * p->m + p->r - 1) * folded_width(p) : 0;
}

static bool choose_folded(const struct lowering *l, const struct geometry *g, const struct axis *h,
                          const struct axis *w, int row_multiple, struct winograd_plan *plan)
{
    struct geometry folded = folded_geometry(l, g);
    double pairs = axis_pairs(h) * axis_pairs(w);
    *plan = choose_plan(l, &folded, h, w, row_multiple, FOLDED_M, FOLDED_R);
    plan->folded = true;
    return !plan->phases &&
           (l->method == CONV_WINOGRAD ||
            winograd_cost(l, &folded, plan, l->typical_batch) <
                l->typical_batch * pairs * g->in_c * g->out_blocks / EFFICIENCY * WORTH);
}

/* ---- the choice ---- */

/* 3 x 3 taps; of stride 2 forward alone: backward, some pixels meet one tap, and none all nine. */
static bool fits_method(const struct lowering *l, const struct geometry *g, const struct axis *h,
                        const struct axis *w)
{
    int stride = g->stride_h;
    return g->kernel_h == R && g->kernel_w == R && stride <= 2 && stride == g->stride_w &&
           h->in_step == stride && g->dilation_h == 1 && g->dilation_w == 1 && g->groups == 1 &&
           g->in_block == l->lanes && h->taps == R && w->taps == R;
}

/* Tiles of 4 x 4 pixels, or fewer where that leaves fewer weights to read or, of stride 2, where
 * rounding up to tiles takes much of what they save. */
static struct winograd_plan cheapest_plan(const struct lowering *l, const struct geometry *g,
                                          const struct axis *h, const struct axis *w,
                                          int row_multiple)
{
    struct winograd_plan best = choose_plan(l, g, h, w, row_multiple, MOST_M, R);
    double least = winograd_cost(l, g, &best, l->typical_batch);
    for (int m = MOST_M - 1; m >= LEAST_M && (best.shares || best.stride > 1); m--) {
        struct winograd_plan small = choose_plan(l, g, h, w, row_multiple, m, R);
        double cost = winograd_cost(l, g, &small, l->typical_batch);
        if ((small.shares || small.stride > 1) && cost < least) {
            best = small;
            least = cost;
        }
    }
    return best;
}

bool choose_winograd(const struct lowering *l, const struct geometry *g, const struct axis *h,
                     const struct axis *w, int row_multiple, struct winograd_plan *plan)
{
    if (l->method != CONV_WINOGRAD && l->method != CONV_BY_COST)
        return false;
    if (can_fold(l, g, h, w))
        return choose_folded(l, g, h, w, row_multiple, plan);
    if (!fits_method(l, g, h, w))
        return false;
    *plan = cheapest_plan(l, g, h, w, row_multiple);
    if (l->method == CONV_WINOGRAD)
        return true;
    return g->in_c >= LEAST_CHANNELS && winograd_cost(l, g, plan, l->typical_batch) <
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
                                         const struct axis *w, const struct winograd_plan *p,
                                         const char *label, struct region *weight)
{
    struct winograd f = winograd_make_strided(p->m, p->r, p->stride);
    int blocks = g->out_blocks * g->in_blocks, in_c = p->folded ? g->in_c / 4 : g->in_c;
    size_t floats =
        checked_multiply((size_t)blocks * (size_t)positions(p), (size_t)l->lanes * l->lanes);
    struct region *region =
        l->training
            ? scratch(l, arena_printf(l->arena, "%s.winograd", weight->name), floats, "as read")
            : weights_region(l, weight->name, "winograd", floats);
    struct call *call =
        add_call(l, group, "winograd_weights.c.t",
                 arena_printf(l->arena, "winograd_weights_%d_to_%d", in_c, g->out_c),
                 arena_printf(l->arena, "%s, weights transformed", label));
    struct value *a = call->arguments, *transforms = value_table(l->arena);
    value_int(a, "N", f.n);
    value_int(a, "R", p->r);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "BLOCKS", blocks);
    value_int(a, "K_TILE", p->k_tile);
    value_int(a, "K_CHUNK", p->k_chunk);
    value_flag(a, "folded", p->folded);
    value_int(a, "KERNEL", g->kernel_h);
    value_int(a, "IN_C", in_c);
    value_int(a, "TAP_FIRST", h->tap_first * p->r + w->tap_first);
    value_int(a, "TAP_ROW", h->tap_step * p->r);
    value_int(a, "TAP_COLUMN", w->tap_step);
    add_transform(l, transforms, "filter", &f.filter);
    value_child(a, "transforms", transforms);
    read_operand(l, call, "weight", weight);
    write_operand(l, call, "transformed", region);
    if (!l->training)
        prepare_call(l, call);
    return region;
}

static void add_shapes(const struct lowering *l, struct value *a, const struct winograd_plan *p)
{
    struct value *shapes = value_table(l->arena);
    for (int i = 0; i < p->shape_count; i++) {
        struct value *shape = value_table(l->arena);
        value_int(shape, "index", i);
        value_int(shape, "rows", p->shapes[i].rows);
        value_int(shape, "columns", p->shapes[i].columns);
        value_int(shape, "tile", p->shapes[i].tile);
        value_int(shape, "groups", p->shapes[i].groups);
        value_int(shape, "narrow", p->shapes[i].narrow);
        value_child(shapes, NULL, shape);
    }
    value_child(a, "shapes", shapes);
    value_int(a, "ROWS_NEEDED", (int)p->rows_needed);
    value_int(a, "COLUMNS_NEEDED", (int)p->columns_needed);
    value_int(a, "COLUMN_SHAPES", p->column_shapes);
}

static void add_plan(const struct lowering *l, struct value *a, const struct geometry *g,
                     const struct winograd_plan *p)
{
    struct winograd f = winograd_make_strided(p->m, p->r, p->stride);
    struct value *transforms = value_table(l->arena);
    add_transform(l, transforms, "input", &f.input);
    add_transform(l, transforms, "output", &f.output);
    value_child(a, "transforms", transforms);
    add_shapes(l, a, p);
    value_int(a, "M", p->m);
    value_int(a, "STEP", p->stride * p->m);
    value_int(a, "N", f.n);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "OUT_BLOCKS", g->out_blocks);
    value_int(a, "TILES_W", p->tiles_w);
    value_int(a, "CHUNK_TILES", p->chunk_tiles);
    value_int(a, "CHUNKS", p->chunks);
    value_int(a, "ITEM_IMAGES", p->item_images);
    value_int(a, "TILES", item_tiles(p));
    value_int(a, "K_TILE", p->k_tile);
    value_int(a, "K_CHUNK", p->k_chunk);
    value_int(a, "ITEM_BLOCKS", p->shares ? p->k_chunk : g->out_blocks);
    int channels = p->folded ? g->in_c : g->in_blocks * l->lanes;
    value_int(a, "SLOTS", p->slots);
    value_flag(a, "folded", p->folded);
    value_int(a, "CHANNELS", channels);
    int fewest = p->shapes[p->shape_count - 1].groups; /* a position's weights come meanwhile */
    value_int(a, "AHEAD", divide_up(4 * p->k_tile * g->in_blocks * l->lanes, channels * fewest));
    value_int(a, "LAST_CHANNELS", channels - (g->in_blocks - 1) * l->lanes);
    value_int(a, "FOLDED", folded_pixels(p) * g->in_blocks * l->lanes);
    value_int(a, "ROW", p->folded ? folded_width(p) : g->in_w);
}

struct call *start_winograd(struct lowering *l, const struct group *group, const char *what,
                            const char *label, const struct geometry *g, const struct axis *h,
                            const struct axis *w, const struct winograd_plan *p, struct region *in,
                            struct region *weight)
{
    struct geometry image = head_geometry(l, group->head);
    struct geometry folded = folded_geometry(l, g);
    if (p->folded)
        g = &folded;
    const char *name =
        arena_printf(l->arena, "winograd_%dx%dx%d_to_%dx%dx%d_%s", image.in_c, image.in_h,
                     image.in_w, image.out_c, image.out_h, image.out_w, what);
    weight = transformed_weight(l, group, g, h, w, p, label, weight);
    size_t vectors = (size_t)item_tiles(p) * (g->in_blocks + p->k_chunk) + 2;
    size_t folded_vectors = (size_t)folded_pixels(p) * g->in_blocks;
    size_t slot = (positions(p) * vectors + folded_vectors) * (size_t)l->lanes;
    struct region *room =
        scratch(l, arena_printf(l->arena, "%s.%s.tiles", group->head->name, what),
                checked_multiply(slot, p->phases ? 1 : p->slots),
                p->phases ? "pixels and sums" : "pixels and sums of some tiles a thread");
    struct call *call =
        add_call(l, group, p->phases ? "winograd_phases.c.t" : "winograd.c.t", name, label);
    call->winograd = p->m == 4 && p->stride == 1;
    add_axis(l, call->arguments, "H", h);
    add_axis(l, call->arguments, "W", w);
    add_plan(l, call->arguments, g, p);
    /* folded ones store faster than memory takes it */
    value_flag(call->arguments, "streams",
               !p->folded && leaves_caches(l, written_floats(l, g, h, w)));
    read_operand(l, call, "in", in);
    read_operand(l, call, "weight", weight);
    write_operand(l, call, "scratch", room);
    outer_operands(call, 1);
    return call;
}
