/*
 * lower_linear: the gradient of a linear layer's weight, the product of two matrices of a row a
 * sample, in' * out_gradient.
 *
 * A tile of it reads a block of V columns of each row. Rows are pages apart, and often a multiple
 * of the cache's sets: both matrices are first copied to blocks of columns, so that a tile reads
 * what stands together.
 */
#include "lower.h"

enum {
    TILE_BYTES = 24 * 1024, /* of the first-level cache, what a tile's samples may fill */
    MOST_BLOCKS = 3         /* of outputs in a tile */
};

struct linear_plan {
    int c_tile, k_tile; /* inputs x blocks of outputs whose sums are in registers */
    int c_group;        /* blocks of inputs of an item */
    int chunk;          /* samples of a pass over them */
};

/* The largest C that divides V and leaves registers for the sums of C inputs x K blocks. */
static int choose_inputs(const struct lowering *l, int k)
{
    int c = l->lanes;
    while (c > 1 && c * k + k + 1 > l->program->isa->registers)
        c /= 2;
    return c;
}

static struct linear_plan choose_plan(const struct lowering *l, const struct geometry *g)
{
    struct linear_plan p = {.k_tile = 1};
    for (int k = 2; k <= MOST_BLOCKS && k <= g->out_blocks; k++)
        if (k * choose_inputs(l, k) > p.k_tile * choose_inputs(l, p.k_tile))
            p.k_tile = k;
    p.c_tile = choose_inputs(l, p.k_tile);
    int items = divide_up(g->out_blocks, p.k_tile);
    p.c_group = g->in_blocks;
    for (int c = g->in_blocks; c > 0 && items * (g->in_blocks / p.c_group) < ITEMS; c--)
        if (g->in_blocks % c == 0)
            p.c_group = c;
    int most = max_int(1, TILE_BYTES / (4 * l->lanes * (p.k_tile + 1)));
    p.chunk = divide_up(l->batch, divide_up(l->batch, most));
    return p;
}

bool lower_linear_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                          struct region *dy, struct region *gradient)
{
    if (group->head->op != OP_linear || g->in_block != l->lanes)
        return false;
    struct linear_plan p = choose_plan(l, g);
    if (p.k_tile == g->out_blocks) /* what is read once is not worth a copy */
        return false;
    size_t floats = checked_multiply((size_t)l->batch * (size_t)l->lanes,
                                     (size_t)(g->in_blocks + g->out_blocks));
    struct region *rows = scratch(l, arena_printf(l->arena, "%s.rows", group->head->name), floats,
                                  "both matrices by blocks of columns");
    struct call *call = add_call(l, group, "linear_weights.c.t",
                                 geometry_name(l, g, "backward_weights"), "backward weights");
    struct value *a = call->arguments;
    value_int(a, "BATCH", l->batch);
    value_int(a, "IN_BLOCKS", g->in_blocks);
    value_int(a, "OUT_BLOCKS", g->out_blocks);
    value_int(a, "C_TILE", p.c_tile);
    value_int(a, "K_TILE", p.k_tile);
    value_int(a, "C_GROUP", p.c_group);
    value_int(a, "CHUNK", p.chunk);
    add_costs(l, call, g, g->flops, group->raw);
    read_operand(l, call, "in", region_of(l, group->input));
    read_operand(l, call, "out_gradient", dy);
    write_operand(l, call, "rows", rows);
    write_operand(l, call, "gradient", gradient);
    count_operand(l, call);
    return true;
}
