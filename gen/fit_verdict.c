/* fit_verdict: what the runs of the final comparison say, in numbers and in words. */
#include "fit_judge.h"

#include <stdio.h>

static const double significance = 0.05;

static double score_of(const struct judging *j, const struct judged_run *run)
{
    return j->search->network->data.classes > 0 ? run->accuracy : -run->loss;
}

struct judged *fit_compare(const struct judging *j)
{
    struct arena *arena = j->search->arena;
    struct judged *judged = arena_new_of(arena, struct judged);
    int seeds = j->count / JUDGED_NETWORKS;
    double *scores = arena_array(arena, (size_t)seeds, double);
    double *differences = arena_array(arena, (size_t)seeds, double);
    judged->seeds = seeds;
    judged->epochs = j->epochs;
    judged->classes = j->search->network->data.classes > 0;
    for (int network = 0; network < JUDGED_NETWORKS; network++) {
        int count = 0;
        for (int s = 0; s < seeds; s++) {
            const struct judged_run *runs = &j->runs[s * JUDGED_NETWORKS];
            scores[s] = score_of(j, &runs[network]);
            double difference = scores[s] - score_of(j, &runs[JUDGED_RELU]);
            if (isfinite(difference))
                differences[count++] = difference;
        }
        judged->mean[network] = mean_of(scores, seeds, &judged->deviation[network]);
        judged->test[network] = paired_test(differences, count);
    }
    return judged;
}

const char *fit_verdict(struct arena *arena, const struct paired_test *test)
{
    if (test->count < 2)
        return "one seed shows nothing";
    if (!(test->p < significance))
        return arena_printf(arena, "no difference that %d seeds can show", test->count);
    return test->mean > 0 ? "the curve helps" : "the curve hurts";
}

void fit_print_judgement(const struct fit_search *search)
{
    const struct judged *judged = search->judged;
    printf("\n%d epochs, %d seeds   test %s\n", judged->epochs, judged->seeds,
           judged->classes ? "accuracy" : "loss");
    for (int i = 0; i < JUDGED_NETWORKS; i++)
        printf("  %-8s %.4f +- %.4f\n", judged_names[i], fabs(judged->mean[i]),
               judged->deviation[i]);
    for (int i = JUDGED_EXACT; i < JUDGED_NETWORKS; i++) {
        const struct paired_test *test = &judged->test[i];
        printf("%s against relu: %s: %+.4f", judged_names[i], fit_verdict(search->arena, test),
               test->mean);
        if (test->count > 1)
            printf(" (95 %%: %+.4f .. %+.4f, p = %.2g)", test->low, test->high, test->p);
        putchar('\n');
    }
    fflush(stdout);
}

/* "NAME = NUMBER" with what goes between; nothing where it is no number. */
static void put(struct text *out, const char *name, double number, const char *after)
{
    if (isfinite(number))
        text_printf(out, "%s = %.6g%s", name, number, after);
}

void fit_put_judgement(const struct fit_search *search, struct text *out)
{
    const struct judged *judged = search->judged;
    if (!judged)
        return;
    text_printf(out, "    judge = {\n      test = \"%s\", ",
                judged->classes ? "accuracy" : "minus the loss");
    put(out, "seeds", judged->seeds, ", ");
    put(out, "epochs", judged->epochs, ", ");
    if (search->options->judge_subset)
        put(out, "subset", (double)search->options->judge_subset, ", ");
    text_printf(out, "\n");
    for (int i = 0; i < JUDGED_NETWORKS; i++) {
        text_printf(out, "      %s = { ", judged_names[i]);
        put(out, "mean", judged->mean[i], ", ");
        put(out, "deviation", judged->deviation[i], " ");
        text_printf(out, "},\n");
    }
    for (int i = JUDGED_EXACT; i < JUDGED_NETWORKS; i++) {
        const struct paired_test *test = &judged->test[i];
        text_printf(out, "      %s_against_relu = { ", judged_names[i]);
        put(out, "difference", test->mean, ", ");
        put(out, "low", test->low, ", ");
        put(out, "high", test->high, ", ");
        put(out, "p", test->p, ",");
        text_printf(out, "\n        verdict = \"%s\" },\n", fit_verdict(search->arena, test));
    }
    text_printf(out, "    },\n");
}
