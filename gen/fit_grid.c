/*
 * fit_grid: all points of a grid. With a curve for each layer, layer by layer in the order of the
 * network, the others keep what was found (ReLU in the beginning), and ReLU is among the candidates
 * of each: the source's search, which took its authors days.
 */
#include "fit_parts.h"

/* The candidates that put each of POINTS into place INDEX of CURVES. */
static candidate_list candidates_at(struct fit_search *search, const fit_points *points,
                                    const struct fit_point *curves, int index, const char *layer)
{
    candidate_list list = {0};
    int seeds = (int)search->options->seeds;
    for (int i = 0; i < points->count; i++) {
        const struct fit_point *own = fit_with(search, curves, index, points->items[i]);
        if (own)
            vector_push(search->arena, &list,
                        fit_candidate(search, "grid", layer, own, search->epochs, seeds));
    }
    return list;
}

static bool grid_layers(struct fit_search *search, const fit_points *points)
{
    struct fit_point *curves = arena_array(search->arena, (size_t)search->curves, struct fit_point);
    fit_points all = {0};
    int epochs = points->count * (int)search->options->seeds * search->epochs;
    vector_push(search->arena, &all, fit_relu);
    for (int i = 0; i < points->count; i++)
        vector_push(search->arena, &all, points->items[i]);
    for (int i = 0; i < search->curves; i++)
        curves[i] = fit_relu;
    for (int layer = 0; layer < search->curves; layer++) {
        search->later_epochs = (search->curves - 1 - layer) * epochs;
        candidate_list list =
            candidates_at(search, &all, curves, layer, search->nodes.items[layer]->name);
        if (!fit_run_candidates(search, &list, 1))
            return false;
        const struct candidate *best = fit_best_of(&list);
        if (best)
            curves[layer] = best->curves[layer];
    }
    return true;
}

bool fit_grid(struct fit_search *search)
{
    fit_points points = fit_space_grid(search->arena, &search->space);
    if (search->options->per_layer)
        return grid_layers(search, &points);
    candidate_list list = candidates_at(search, &points, &fit_relu, 0, NULL);
    return fit_run_candidates(search, &list, 1);
}
