/*
 * fit_halving: successive halving (Karnin, Koren and Somekh, "Almost Optimal Exploration in
 * Multi-Armed Bandits", 2013; for training with growing budgets: Jamieson and Talwalkar,
 * "Non-stochastic Best Arm Identification and Hyperparameter Optimization", 2016): many candidates
 * with little training, the best third of them with three times as much, and so on.
 *
 * Each rung trains from scratch with its own whole schedule. To go on from the weights of the rung
 * below would cost less, but a one-cycle or cosine schedule cut off in its middle says little about
 * how it would have ended, and the last rung would be no training that anyone could repeat.
 */
#include "fit_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_EPOCHS = 2, CANDIDATES = 27, CANDIDATES_A_LAYER = 9 };
#define BUDGET_SHARE 0.85 /* of the time that is left: estimates are rough */

/* ---- the plan ---- */

int fit_halving_plan(int candidates, int epochs, int seeds, struct fit_rung rungs[FIT_RUNGS])
{
    double whole = (double)epochs * seeds; /* of a candidate in the last rung */
    int count = 1;
    for (double n = candidates / FIT_ETA, least = whole / FIT_ETA;
         count < FIT_RUNGS && n >= 1 && least >= LEAST_EPOCHS; n /= FIT_ETA, least /= FIT_ETA)
        count++;
    for (int k = 0; k < count; k++) {
        double share = pow(FIT_ETA, k + 1 - count) * whole;
        rungs[k].candidates = max_int(1, (int)(candidates / pow(FIT_ETA, k)));
        rungs[k].epochs = share >= epochs ? epochs : max_int(1, (int)lround(share));
        rungs[k].seeds = share >= epochs ? (int)lround(share / epochs) : 1;
    }
    return count;
}

int fit_halving_epochs(const struct fit_rung *rungs, int count)
{
    int sum = 0;
    for (int k = 0; k < count; k++) {
        int before = k > 0 && rungs[k - 1].epochs == rungs[k].epochs ? rungs[k - 1].seeds : 0;
        sum += rungs[k].candidates * rungs[k].epochs * (rungs[k].seeds - before);
    }
    return sum;
}

/* How many candidates a layer (or all together) gets: --candidates, what the time that ReLU's
 * trials left is enough for, or a sane number. */
static int count_candidates(const struct fit_search *search)
{
    const struct fit_options *o = search->options;
    if (o->candidates)
        return (int)o->candidates;
    if (o->budget <= 0)
        return o->per_layer ? CANDIDATES_A_LAYER : CANDIDATES;
    double epochs = fit_epochs_left(search, BUDGET_SHARE) / search->curves;
    int candidates = 3;
    struct fit_rung rungs[FIT_RUNGS];
    while (candidates < FIT_CANDIDATES_MAX &&
           fit_halving_epochs(rungs, fit_halving_plan(candidates + 1, search->epochs, (int)o->seeds,
                                                      rungs)) <= epochs)
        candidates++;
    return candidates;
}

/* ---- rungs ---- */

typedef VECTOR(const struct fit_point *) curves_list;
typedef VECTOR(const char *) digest_list; /* of tables that are tried */

struct ranked {
    double mean;
    int place;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *one = a, *other = b;
    if (one->mean != other->mean)
        return one->mean > other->mean ? -1 : 1;
    return one->place - other->place;
}

/* The curves of the best COUNT of CANDIDATES; the first always, where KEEP. */
static curves_list best_curves(struct arena *arena, const candidate_list *candidates, int count,
                               bool keep)
{
    curves_list list = {0};
    struct ranked *order = arena_array(arena, (size_t)candidates->count, struct ranked);
    for (int i = 0; i < candidates->count; i++)
        order[i] = (struct ranked){fit_score_of(&candidates->items[i]).mean, i};
    qsort(order, (size_t)candidates->count, sizeof *order, by_rank);
    if (keep)
        vector_push(arena, &list, candidates->items[0].curves);
    for (int i = 0; i < candidates->count && list.count < count; i++)
        if (order[i].mean > -INFINITY && !(keep && order[i].place == 0))
            vector_push(arena, &list, candidates->items[order[i].place].curves);
    return list;
}

/* Go through the rungs with CURVES; the first of them stays to the end where KEEP. The last rung's
 * candidates are in *LAST. */
static bool run_rungs(struct fit_search *search, curves_list curves, const char *layer, bool keep,
                      int later_layers, candidate_list *last)
{
    struct fit_rung rungs[FIT_RUNGS];
    int seeds = (int)search->options->seeds;
    int count = fit_halving_plan(curves.count, search->epochs, seeds, rungs);
    int all = fit_halving_epochs(rungs, count);
    for (int k = 0; k < count; k++) {
        candidate_list list = {0};
        const char *phase = arena_printf(search->arena, "rung %d", k + 1);
        for (int i = 0; i < curves.count; i++)
            vector_push(search->arena, &list,
                        fit_candidate(search, phase, layer, curves.items[i], rungs[k].epochs,
                                      rungs[k].seeds));
        search->later_epochs =
            all * later_layers + fit_halving_epochs(rungs + k + 1, count - k - 1);
        if (!fit_run_candidates(search, &list, FIT_RUNGS - count + k + 1))
            return false;
        *last = list;
        if (k + 1 < count)
            curves = best_curves(search->arena, &list, rungs[k + 1].candidates, keep);
        if (curves.count == 0)
            return true;
    }
    return true;
}

/* ---- the method ---- */

/* Whether the tables of CURVES are none of SEEN, where they are then. */
static bool is_new(struct fit_search *search, digest_list *seen, const struct fit_point *curves)
{
    const char *digest = fit_tables_digest(search, curves);
    for (int i = 0; i < seen->count; i++)
        if (strcmp(seen->items[i], digest) == 0)
            return false;
    vector_push(search->arena, seen, digest);
    return true;
}

/* Add CURVES with POINT in place LAYER to LIST, where it can be a table, and one not SEEN yet. */
static void add_curves(struct fit_search *search, curves_list *list, digest_list *seen,
                       const struct fit_point *curves, int layer, struct fit_point point)
{
    const struct fit_point *own = fit_with(search, curves, layer, point);
    if (own && is_new(search, seen, own))
        vector_push(search->arena, list, own);
}

static bool halve_layers(struct fit_search *search, int candidates)
{
    struct fit_point *curves = arena_array(search->arena, (size_t)search->curves, struct fit_point);
    for (int layer = 0, next = 0; layer < search->curves; layer++) {
        curves_list list = {0};
        digest_list seen = {0};
        candidate_list last = {0};
        const struct node *node = search->nodes.items[layer];
        add_curves(search, &list, &seen, curves, layer, curves[layer]); /* ReLU, others as found */
        add_curves(search, &list, &seen, curves, layer, fit_own_point(node));
        for (int most = next + FIT_CANDIDATES_MAX; list.count < candidates && next < most; next++)
            add_curves(search, &list, &seen, curves, layer,
                       fit_space_spread(&search->space, next % FIT_CANDIDATES_MAX));
        if (!run_rungs(search, list, node->name, true, search->curves - 1 - layer, &last))
            return false;
        const struct candidate *best = fit_best_of(&last);
        if (best)
            curves[layer] = best->curves[layer];
    }
    return true;
}

bool fit_halving(struct fit_search *search)
{
    curves_list list = {0};
    digest_list seen = {0};
    candidate_list last;
    int candidates = count_candidates(search);
    printf("%d candidates%s\n", candidates, search->options->per_layer ? " a layer" : "");
    if (search->options->per_layer)
        return halve_layers(search, candidates);
    is_new(search, &seen, &fit_relu); /* trained beside them all */
    add_curves(search, &list, &seen, &fit_relu, 0, fit_own_point(search->nodes.items[0]));
    for (int i = 0; list.count < candidates && i < FIT_CANDIDATES_MAX; i++)
        add_curves(search, &list, &seen, &fit_relu, 0, fit_space_spread(&search->space, i));
    if (list.count == 0)
        fail(STATUS_USER,
             "%s: all tables in this space are ReLU's: a finer table lets curves differ",
             search->options->spec);
    return run_rungs(search, list, NULL, false, 0, &last);
}
