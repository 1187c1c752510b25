/*
 * lower_packed: 1 x 1 convolutions whose pixels are copied tile by tile before they are multiplied.
 *
 * A tile of the direct kernel reads some neighbouring pixels of each block of channels, and the
 * blocks are an image apart: of many channels that is a page for each, lines that meet in few of a
 * cache's sets, and nothing that the processor would fetch by itself; and all output channels read
 * it again. So an item's pixels are copied first, in the order in which tiles read them:
 *
 *     in (block, pixel, V)  --steps before-->  packed (tile, block, pixel of the tile, V)
 *
 * The steps that come before the convolution are made on the way, which spares a pass through
 * memory of their own, and a stride's pixels are picked. Backward data of a stride is a product of
 * all pixels that go to a grid of places, with zeros between them. A thread that goes on with the
 * same pixels and other output channels has them already. (Goto, van de Geijn: "Anatomy of
 * High-Performance Matrix Multiplication", 2008, packs for the same reasons.)
 */
#include "lower.h"

enum {
    PACKED_BYTES = 256 * 1024, /* of an item's copy, on the thread's stack, in the second level, */
    LONG_BYTES = 416 * 1024,   /* or where shorter rows fill tiles badly: */
    FAR_CHANNELS = 512,        /* whose blocks are so many places that a copy is worth it, */
    NEAR_CHANNELS = 128,       /* or so many where products enough share its cost: */
    NEAR_WEIGHTS = 1 << 16,    /* of a pixel at inference, */
    TRAINED_WEIGHTS = 1 << 14, /* and in training, where tensors come from memory */
    LEAST_OUT = 64,            /* output channels that read a copy */
    PIECES = 4                 /* of the batch, for threads */
};
static const double GAIN = 1.1; /* at least so much worse */

static bool is_matrix(const struct lowering *l, const struct geometry *g)
{
    return is_pointwise(l, g) && g->samples == 1 && g->spans == 1 && g->pad_top == 0 &&
           g->pad_left == 0 && (g->out_h - 1) * g->stride_h < g->in_h &&
           (g->out_w - 1) * g->stride_w < g->in_w;
}

/* Where pixels are whole lines, their blocks need not be neighbours. Few channels are for halves of
 * lines, and not of one image, which the caches may hold. */
static bool is_far(const struct lowering *l, const struct geometry *g)
{
    if (!shares_lines(l))
        return false;
    if (g->in_c >= FAR_CHANNELS || g->stride_h * g->stride_w > 1)
        return true;
    int weights = l->training ? TRAINED_WEIGHTS : NEAR_WEIGHTS;
    return 2 * l->lanes == CACHE_LINE && (l->training || l->batch > 1) &&
           g->in_c >= NEAR_CHANNELS && g->out_c >= divide_up(weights, g->in_c);
}

/* Bytes of a pixel's copy. */
static int pixel_bytes(const struct geometry *g)
{
    return 4 * g->in_blocks * g->in_block;
}

/* G with its pixels in rows that fill tiles well and fit the copy. */
static struct geometry packed_rows_of(const struct lowering *l, const struct geometry *g)
{
    struct geometry rows = in_rows(l, g, PACKED_BYTES / pixel_bytes(g));
    struct geometry long_rows = in_rows(l, g, LONG_BYTES / pixel_bytes(g));
    return tile_speed(l, g, long_rows.in_w) > GAIN * tile_speed(l, g, rows.in_w) ? long_rows : rows;
}

bool choose_packed(const struct lowering *l, const struct geometry *g, bool worth, int pool_rows,
                   struct geometry *packed)
{
    int most = PACKED_BYTES / pixel_bytes(g);
    if (!is_matrix(l, g) || (!worth && !is_far(l, g)) || g->out_w * max_int(1, pool_rows) > most ||
        g->out_c < LEAST_OUT || fits_registers(l, g))
        return false;
    *packed = *g;
    packed->packed = true;
    packed->source.in_h = g->in_h;
    packed->source.in_w = g->in_w;
    packed->source.out_w = g->out_w;
    packed->source.stride_h = g->stride_h;
    packed->source.stride_w = g->stride_w;
    packed->stride_h = packed->stride_w = 1;
    packed->in_h = g->out_h;
    packed->in_w = g->out_w;
    if (pool_rows == 0)
        *packed = packed_rows_of(l, packed);
    return true;
}

int packed_rows(const struct lowering *l, const struct geometry *g)
{
    int fit = PACKED_BYTES / (pixel_bytes(g) * g->out_w);
    return max_int(1, min_int(fit, l->batch * g->out_h / PIECES));
}

void add_packed(struct value *a, const struct geometry *g)
{
    value_flag(a, "packs", g->packed);
    value_flag(a, "scatters", g->grid_w > 0);
    if (!g->packed)
        return;
    value_int(a, "SOURCE_H", g->source.in_h);
    value_int(a, "SOURCE_W", g->source.in_w);
    value_int(a, "SOURCE_OUT_W", g->source.out_w);
    value_int(a, "SOURCE_STEP_H", g->source.stride_h);
    value_int(a, "SOURCE_STEP_W", g->source.stride_w);
    value_int(a, "GRID_W", g->grid_w);
}

void add_before(struct lowering *l, struct call *call, const struct group *before,
                const struct norm_regions *norm)
{
    if (before)
        add_steps(l, call, "before", before, 0, before->steps.count, norm);
    else
        value_child(call->arguments, "before", value_table(l->arena));
}

/* The places that a stride's only tap meets, as an image of their own. */
static struct geometry grid_of(const struct geometry *g)
{
    struct geometry grid = *g;
    grid.in_h = g->out_h;
    grid.in_w = g->out_w;
    grid.stride_h = grid.stride_w = 1;
    return grid;
}

struct geometry data_geometry(const struct lowering *l, const struct geometry *image, bool grid,
                              struct geometry *b)
{
    struct geometry g = grid ? grid_of(image) : *image, exchanged = exchanged_geometry(l, &g);
    bool worth = grid && shares_lines(l);
    if (g.stride_h * g.stride_w == 1 && choose_packed(l, &exchanged, worth, 0, b)) {
        g.in_h = g.out_h = b->out_h;
        g.in_w = g.out_w = b->out_w;
        b->grid_w = grid ? image->out_w : 0;
        return g;
    }
    g = matrix_geometry(l, image);
    *b = exchanged_geometry(l, &g);
    return g;
}
