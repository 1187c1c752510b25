/* fit_candidate: curves to try, their seeds, ReLU beside them, and the best so far. */
#include "fit_parts.h"

#include <string.h>

struct candidate fit_candidate(struct fit_search *search, const char *phase, const char *layer,
                               const struct fit_point *curves, int epochs, int seeds)
{
    struct candidate candidate = {.curves = curves};
    for (int seed = 1; seed <= seeds; seed++) {
        struct trial plan = {.phase = phase,
                             .layer = layer,
                             .program = FIT_TABLES,
                             .curves = curves,
                             .seed = seed,
                             .epochs = epochs};
        vector_push(search->arena, &candidate.trials, fit_plan(search, &plan));
    }
    return candidate;
}

const struct fit_point *fit_with(struct fit_search *search, const struct fit_point *curves,
                                 int index, struct fit_point point)
{
    struct fit_point *own = arena_array(search->arena, (size_t)search->curves, struct fit_point);
    memcpy(own, curves, (size_t)search->curves * sizeof *own);
    own[index] = point;
    return fit_pieces(search, own) > search->pieces ? NULL : own;
}

struct fit_score fit_score_of(const struct candidate *candidate)
{
    double scores[1024];
    struct fit_score score = {NAN, NAN};
    int count = min_int(candidate->trials.count, 1024);
    for (int i = 0; i < count; i++) {
        if (candidate->trials.items[i]->status == TRIAL_WAITING)
            return score;
        scores[i] = candidate->trials.items[i]->score;
    }
    score.mean = mean_of(scores, count, &score.deviation);
    return score;
}

const struct candidate *fit_baseline(const struct fit_search *search, int epochs)
{
    for (int i = 0; i < search->baseline.count; i++)
        if (search->baseline.items[i].trials.items[0]->epochs == epochs)
            return &search->baseline.items[i];
    return NULL;
}

const struct candidate *fit_best_of(const candidate_list *candidates)
{
    const struct candidate *best = NULL;
    for (int i = 0; i < candidates->count; i++) {
        const struct candidate *c = &candidates->items[i];
        double mean = fit_score_of(c).mean;
        if (mean > -INFINITY && (!best || mean > fit_score_of(best).mean)) /* false for NaN */
            best = c;
    }
    return best;
}

/* The trials are the same, so that the one is the other under another plan. */
static bool is_same(const struct candidate *a, const struct candidate *b)
{
    return a && b && a->trials.count == b->trials.count && a->trials.items[0] == b->trials.items[0];
}

void fit_take_best(struct fit_search *search, const candidate_list *candidates, int rank)
{
    const struct candidate *best = fit_best_of(candidates);
    bool better = best && (!search->best || rank > search->best_rank ||
                           fit_score_of(best).mean > fit_score_of(search->best).mean);
    /* of equals the first counts, in whatever order they end */
    for (int i = 0; best && i < candidates->count; i++)
        better |= is_same(&candidates->items[i], search->best) && rank == search->best_rank;
    if (!better || (is_same(best, search->best) && rank == search->best_rank))
        return;
    struct candidate *kept = arena_new_of(search->arena, struct candidate);
    *kept = *best;
    search->best = kept;
    search->best_rank = rank;
    fit_write(search);
}

bool fit_run_baseline(struct fit_search *search, int epochs, int seeds)
{
    struct fit_point *curves = arena_array(search->arena, (size_t)search->curves, struct fit_point);
    const struct candidate *before = fit_baseline(search, epochs);
    if (before && before->trials.count >= seeds)
        return true;
    for (int i = 0; i < search->curves; i++)
        curves[i] = fit_relu;
    struct candidate relu = fit_candidate(search, "baseline", NULL, curves, epochs, seeds);
    if (before)
        search->baseline.items[before - search->baseline.items] = relu;
    else
        vector_push(search->arena, &search->baseline, relu);
    return fit_run(search, &relu.trials, NULL, 0);
}

bool fit_run_candidates(struct fit_search *search, candidate_list *candidates, int rank)
{
    trial_list trials = {0};
    if (candidates->count == 0)
        return true;
    const trial_list *first = &candidates->items[0].trials;
    if (!fit_run_baseline(search, first->items[0]->epochs, first->count))
        return false;
    for (int i = 0; i < candidates->count; i++)
        for (int s = 0; s < candidates->items[i].trials.count; s++)
            vector_push(search->arena, &trials, candidates->items[i].trials.items[s]);
    bool all = fit_run(search, &trials, candidates, rank);
    fit_take_best(search, candidates, rank);
    return all;
}

double fit_epochs_left(const struct fit_search *search, double share)
{
    const struct candidate *relu = fit_baseline(search, search->epochs);
    double seconds = INFINITY, elapsed = 0;
    for (int i = 0; i < relu->trials.count; i++) {
        const struct trial *trial = relu->trials.items[i];
        if (trial->log.epochs > 0) /* the faster way is the one that is chosen */
            seconds = fmin(seconds, trial->took / trial->log.epochs / trial->jobs);
        elapsed = fmax(elapsed, trial->elapsed);
    }
    return share * (search->options->budget * 60 - elapsed) / seconds;
}
