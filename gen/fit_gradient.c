/*
 * fit_gradient: L, Q and I are trained as weights, one curve for all nodes or each its own, from
 * several starting points. What comes out is frozen three ways: the score of the trained weights
 * themselves; a table in its place, fine-tuned from these weights; and, to be compared with ReLU
 * and with what other methods find, the table trained from scratch.
 */
#include "fit_parts.h"

#include <stdio.h>

enum { FINE_PART = 4 };              /* fine-tuning has this part of the epochs, */
static const double fine_rate = 0.1; /* and of the learning rate */
#define BUDGET_SHARE 0.85            /* of the time that is left: estimates are rough */

static int fine_epochs(const struct fit_search *search)
{
    return max_int(1, search->epochs / FINE_PART);
}

/* Epochs of all trials of a starting point. */
static int start_epochs(const struct fit_search *search)
{
    return search->epochs * (1 + (int)search->options->seeds) + fine_epochs(search);
}

/* Starting points: --candidates, or what the time that ReLU's trials left is enough for, or one. */
static int count_starts(const struct fit_search *search)
{
    const struct fit_options *o = search->options;
    if (o->candidates)
        return (int)o->candidates;
    if (o->budget <= 0)
        return 1;
    double epochs = fit_epochs_left(search, BUDGET_SHARE);
    return max_int(1, (int)fmin(FIT_CANDIDATES_MAX, epochs / start_epochs(search)));
}

/* Where to begin: the spec's own curves, then points of the space. */
static const struct fit_point *starting_curves(const struct fit_search *search, int start)
{
    struct fit_point *curves = arena_array(search->arena, (size_t)search->curves, struct fit_point);
    for (int i = 0; i < search->curves; i++)
        curves[i] = start == 0 ? fit_own_point(search->nodes.items[i])
                               : fit_space_spread(&search->space, start - 1);
    return curves;
}

static struct trial *run_one(struct fit_search *search, const struct trial *plan, bool *over)
{
    trial_list list = {0};
    struct trial *trial = fit_plan(search, plan);
    vector_push(search->arena, &list, trial);
    *over = fit_run(search, &list, NULL, 1);
    return trial;
}

/* Have the tables program take CURVES; false, having said so, where no table can be made of them.
 */
static bool make_room(struct fit_search *search, const struct fit_point *curves)
{
    int pieces = fit_pieces(search, curves);
    if (pieces > PIECES_MOST) {
        printf("left out: its table has more than %d pieces\n", (int)PIECES_MOST);
        return false;
    }
    if (pieces > search->pieces) {
        search->pieces = round_up(pieces, FIT_PIECES_STEP);
        fit_build(search, FIT_TABLES);
    }
    return true;
}

/* Learn from starting point START, fine-tune, train from scratch; add what is found to LIST. */
static bool run_start(struct fit_search *search, int start, candidate_list *list)
{
    bool over;
    const struct trial learning = {.phase = "gradient",
                                   .program = search->options->per_layer ? FIT_LEARNED : FIT_TIED,
                                   .curves = starting_curves(search, start),
                                   .seed = 1,
                                   .epochs = search->epochs};
    const struct trial *learned = run_one(search, &learning, &over);
    if (!over || learned->status != TRIAL_DONE || !make_room(search, learned->found))
        return over;
    const struct trial tuning = {.phase = "fine-tune",
                                 .program = FIT_TABLES,
                                 .curves = learned->found,
                                 .seed = 1,
                                 .epochs = fine_epochs(search),
                                 .start = learned->id,
                                 .lr = fine_rate * search->network->training.schedule.lr};
    const struct trial *tuned = run_one(search, &tuning, &over);
    if (!over)
        return false;
    vector_push(search->arena, list,
                fit_candidate(search, "from scratch", NULL, learned->found, search->epochs,
                              (int)search->options->seeds));
    if (!fit_run_candidates(search, list, 1))
        return false;
    if (search->best && search->best->curves == learned->found) {
        search->learned_score = learned->score;
        search->tuned_score = tuned->score;
    }
    return true;
}

bool fit_gradient(struct fit_search *search)
{
    candidate_list list = {0};
    fit_build(search, search->options->per_layer ? FIT_LEARNED : FIT_TIED);
    int starts = count_starts(search);
    printf("%d starting point%s\n", starts, starts > 1 ? "s" : "");
    for (int start = 0; start < starts; start++) {
        search->later_epochs = (starts - 1 - start) * start_epochs(search) + fine_epochs(search) +
                               search->epochs * (int)search->options->seeds;
        if (!run_start(search, start, &list))
            return false;
    }
    return true;
}
