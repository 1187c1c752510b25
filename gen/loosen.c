/*
 * loosen: Dynamic curves as numbers of the running program. A search tries many curves on one
 * network; with these nodes a single program serves them all, the curves being part of the weights:
 *
 *   tables    curve1 = curve(conv1), a closed form or a table that is compiled in
 *         ->  curve1 = learned(conv1, curve1.table)
 *   learned   curve1 = learned(conv1, curve1.L, curve1.Q, curve1.I), which are trained
 *   tied      the same, and curve1.L, curve2.L ... are one number
 *
 * New parameters stand behind all others, so that those are drawn as without the pass.
 */
#include "op/op.h"
#include "passes.h"

/* A node with a Dynamic curve, whatever its form; a table of the weights was one. */
static bool is_dynamic(const struct node *node)
{
    if (node->backward)
        return false;
    if (node->op == OP_learned)
        return node->learned.kind == LEARNED_DYNAMIC || node->learned.kind == LEARNED_TABLE;
    return node->op == OP_curve && node->curve->kind == CURVE_DYNAMIC;
}

/* The curve that NODE, a curve or learned Dynamic, begins with. */
static struct curve first_curve(const struct node *node)
{
    if (node->op == OP_curve)
        return *node->curve;
    const struct learned_attributes *a = &node->learned;
    struct curve curve = {.kind = CURVE_DYNAMIC, .method = TABLE_EXACT};
    curve.parameter[DYNAMIC_L] = a->initial[0];
    curve.parameter[DYNAMIC_Q] = a->initial[1];
    curve.parameter[DYNAMIC_I] = a->initial[2];
    curve.parameter[DYNAMIC_P] = a->power;
    curve.parameter[DYNAMIC_Z] = a->z;
    return curve;
}

/* NODE becomes learned, with ATTRIBUTES and parameters of its own. */
static void replace(struct graph *graph, struct node *node, struct learned_attributes attributes)
{
    while (node->input_count > 1)
        graph_remove_tensor(graph, node_drop_input(node));
    node->op = OP_learned;
    node->learned = attributes;
    learned_add_parameters(graph, node);
}

/* Give CURVE its table: the spec's; of a closed form the best one that there is room for. */
static void tabulate(struct arena *arena, struct curve_memory *memory, struct curve *curve,
                     int pieces)
{
    const struct curve asked = *curve;
    if (curve->table || curve_recall(memory, curve))
        return;
    if (curve->method == TABLE_EXACT)
        curve_tabulate_pieces(arena, curve, pieces);
    else
        curve_tabulate(arena, curve);
    curve_remember(arena, memory, &asked, curve);
}

/* NODE's table becomes numbers of the program. */
static void make_table(struct graph *graph, struct curve_memory *memory, struct node *node,
                       int pieces)
{
    struct curve curve = first_curve(node);
    const char *problem = curve_problem(graph->arena, &curve);
    if (problem)
        fail_at(STATUS_USER, node->where, "%s: %s", node->name, problem);
    tabulate(graph->arena, memory, &curve, pieces);
    if (curve.table->count > pieces)
        fail_at(STATUS_USER, node->where,
                "%s: the table has %d pieces, and there is room for %d: --pieces says for how many",
                node->name, curve.table->count, pieces);
    float *numbers = arena_array(graph->arena, 3 * (size_t)pieces, float);
    curve_pack_table(curve.table, pieces, numbers);
    replace(graph, node,
            (struct learned_attributes){
                .kind = LEARNED_TABLE, .shared = true, .pieces = pieces, .table = numbers});
}

/* L, Q and I of NODE are trained. FIRST: the node that it is tied to, maybe itself, and begins as;
 * NULL: none. */
static void make_learned(struct graph *graph, struct node *node, const struct node *first)
{
    struct curve curve = first_curve(node);
    const char *problem = curve_problem(graph->arena, &curve);
    if (problem)
        fail_at(STATUS_USER, node->where, "%s: %s", node->name, problem);
    struct learned_attributes attributes = {.kind = LEARNED_DYNAMIC,
                                            .shared = true,
                                            .power = (int)curve.parameter[DYNAMIC_P],
                                            .z = curve.parameter[DYNAMIC_Z]};
    for (int i = 0; i < 3; i++)
        attributes.initial[i] =
            first && first != node ? first->learned.initial[i] : curve.parameter[DYNAMIC_L + i];
    replace(graph, node, attributes);
    for (int i = 0; first && i < 3; i++)
        node->inputs[1 + i]->tie = 1 + i;
}

void loosen_curves(struct graph *graph, enum curves curves, int pieces)
{
    const struct node *first = NULL;
    struct curve_memory memory = {0};
    check_bug(pieces >= 2 && pieces <= PIECES_MOST);
    if (graph->training)
        return;
    for (int i = 0; i < graph->nodes.count; i++) {
        struct node *node = graph->nodes.items[i];
        if (!is_dynamic(node))
            continue;
        first = first ? first : node;
        if (node->op == OP_learned && node->learned.kind == LEARNED_TABLE)
            continue;
        if (curves == CURVES_TABLES)
            make_table(graph, &memory, node, pieces);
        else
            make_learned(graph, node, curves == CURVES_TIED ? first : NULL);
    }
    if (!first)
        fail(STATUS_USER,
             "%s: --curves needs a Dynamic activation: dynamic { L = .., Q = .., I = .. }",
             graph->name);
}
