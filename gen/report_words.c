/*
 * report_words: what a report says in words, numbers and tables.
 */
#include "report_parts.h"

#include "curve.h"
#include "json_tree.h"
#include "statistics.h"

#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

/* Bytes of the UTF-8 character at AT; 0 where there is none. */
static size_t character_length(const char *at)
{
    const unsigned char *c = (const unsigned char *)at;
    size_t length = c[0] < 0x80                   ? 1
                    : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
                    : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
                    : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                                  : 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool outside = (c[0] == 0xed && c[1] >= 0xa0) || (c[0] == 0xf4 && c[1] >= 0x90) ||
                   (c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe);
    return overlong || outside ? 0 : length;
}

void put_escaped(struct text *out, const char *text)
{
    while (*text) {
        size_t length = character_length(text);
        if (length == 0)
            text_printf(out, "?");
        else if (*text == '&' || *text == '<' || *text == '>' || *text == '"' || *text == '\'')
            text_printf(out, "&#%d;", *text);
        else if ((unsigned char)*text < ' ' || *text == 0x7f)
            text_printf(out, " ");
        else
            text_add(out, text, length);
        text += length > 0 ? length : 1;
    }
}

/* "0.9712 ± 0.0012"; "0.9712" for one; "–" for none. Losses have four digits, not decimals. */
static void put_mean(struct text *out, double mean, double deviation, bool loss)
{
    if (!isfinite(mean))
        text_printf(out, "–");
    else
        text_printf(out, loss ? "%.4g" : "%.4f", mean);
    if (isfinite(mean) && isfinite(deviation))
        text_printf(out, loss ? " ± %.2g" : " ± %.4f", deviation);
}

/* The mean of a number of LINE's runs that are done, NaN left out. */
static double mean_number(const struct report_group *group, int line,
                          double (*number)(const struct report_run *), double *deviation)
{
    struct arena *arena = arena_new();
    double *numbers = arena_array(arena, (size_t)group->runs.count + 1, double);
    int count = 0;
    for (int i = 0; i < group->runs.count; i++) {
        const struct report_run *run = &group->runs.items[i];
        if (run->line == line && strcmp(run->status, "done") == 0 && isfinite(number(run)))
            numbers[count++] = number(run);
    }
    double mean = mean_of(numbers, count, deviation);
    arena_free(arena);
    return mean;
}

static double run_accuracy(const struct report_run *run)
{
    return run->accuracy;
}

static double run_loss(const struct report_run *run)
{
    return run->loss;
}

static double run_seconds(const struct report_run *run)
{
    return run->seconds;
}

static double run_speed(const struct report_run *run)
{
    return run->images_per_s;
}

static int count_runs(const struct report_group *group, int line, const char *status)
{
    int count = 0;
    for (int i = 0; i < group->runs.count; i++)
        count += (line < 0 || group->runs.items[i].line == line) &&
                 (!status || strcmp(group->runs.items[i].status, status) == 0);
    return count;
}

/* ---- the summary ---- */

static void put_group_summary(struct text *out, const struct report_group *group, const char *what)
{
    double deviation;
    int best = best_line(group), count;
    text_printf(out, "<li>%d run%s of %d %s", count_runs(group, -1, NULL),
                count_runs(group, -1, NULL) == 1 ? "" : "s", group->lines.count, what);
    text_printf(out, "%s", group->lines.count == 1 ? "" : "s");
    if (count_runs(group, -1, "diverged") > 0)
        text_printf(out, ", %d diverged", count_runs(group, -1, "diverged"));
    if (best >= 0) {
        double mean = line_mean(group, best, &deviation, &count);
        text_printf(out, ". %s <b>", group->lines.count == 1 ? "It is" : "The best is");
        put_escaped(out, group->lines.items[best]);
        text_printf(out, "</b>: %s <b>", group_has_classes(group) ? "accuracy" : "loss");
        put_mean(out, mean, deviation, !group_has_classes(group));
        text_printf(out, "</b> over %d seed%s", count, count == 1 ? "" : "s");
    }
    text_printf(out, ".</li>\n");
}

/* What the pairs of runs with the same seed of LINE and of RELU say. */
static struct paired_test compare_lines(const struct report_group *group, int relu, int line)
{
    struct arena *arena = arena_new();
    bool classes = group_has_classes(group);
    double *differences = arena_array(arena, (size_t)group->runs.count + 1, double);
    int count = 0;
    for (int i = 0; i < group->runs.count; i++)
        for (int j = 0; j < group->runs.count; j++) {
            const struct report_run *a = &group->runs.items[i], *b = &group->runs.items[j];
            double difference = classes ? a->accuracy - b->accuracy : b->loss - a->loss;
            if (a->line == line && b->line == relu && a->seed == b->seed && isfinite(difference))
                differences[count++] = difference;
        }
    struct paired_test test = paired_test(differences, count);
    arena_free(arena);
    return test;
}

/* As fit_verdict. */
static void put_verdict_of(struct text *out, const struct paired_test *test)
{
    if (!(test->p < 0.05))
        text_printf(out, "no difference that %d seed%s can show", test->count,
                    test->count == 1 ? "" : "s");
    else
        text_printf(out, test->mean > 0 ? "the curve helps" : "the curve hurts");
}

/* ReLU, the curve and its table beside each other, as far as they were run. */
static void put_verdict(struct text *out, const struct report_group *judged)
{
    int relu = find_line(judged, "relu"), count;
    double deviation;
    if (relu < 0)
        return;
    text_printf(out, "<li>The judge: ReLU ");
    double mean = line_mean(judged, relu, &deviation, &count);
    put_mean(out, mean, deviation, !group_has_classes(judged));
    text_printf(out, " over %d seed%s", count, count == 1 ? "" : "s");
    for (int i = 0; i < judged->lines.count; i++) {
        struct paired_test test = compare_lines(judged, relu, i);
        mean = line_mean(judged, i, &deviation, &count);
        if (i == relu || count == 0)
            continue;
        text_printf(out, "; %s ",
                    strcmp(judged->lines.items[i], "exact") == 0   ? "the curve in closed form"
                    : strcmp(judged->lines.items[i], "table") == 0 ? "the curve as a table"
                                                                   : "another");
        put_mean(out, mean, deviation, !group_has_classes(judged));
        text_printf(out, " (%+.4f", test.mean);
        if (isfinite(test.p))
            text_printf(out, ", 95 %%: %+.4f to %+.4f, p = %.2g", test.low, test.high, test.p);
        text_printf(out, ": <b>");
        put_verdict_of(out, &test);
        text_printf(out, "</b>)");
    }
    text_printf(out, ".</li>\n");
}

static void put_parameters(struct text *out, const struct report_fit *fit)
{
    const struct tree *curves = fit->trials.items[fit->best].curves;
    for (int i = 0; i < curves->count && i < 12; i++) {
        text_printf(out, "%s", i ? "; " : "");
        if (curves->count > 1) {
            put_escaped(out, curve_owner(fit, i));
            text_printf(out, ": ");
        }
        text_printf(out, "L = %.6g, Q = %.6g, I = %.6g", tree_number(&curves->items[i], "L"),
                    tree_number(&curves->items[i], "Q"), tree_number(&curves->items[i], "I"));
    }
    if (curves->count > 12)
        text_printf(out, "; …");
}

/* BEFORE, the number NAME of fit.json, and AFTER; nothing where it is not there. */
static void put_about(struct text *out, const struct report_fit *fit, const char *before,
                      const char *name, const char *after)
{
    double number = tree_number(fit->about, name);
    if (isfinite(number))
        text_printf(out, "%s%g%s", before, number, after);
}

static int count_trials(const struct report_fit *fit, const char *status)
{
    int count = 0;
    for (int i = 0; i < fit->trials.count; i++)
        count += !status || strcmp(fit->trials.items[i].status, status) == 0;
    return count;
}

static void put_fit_summary(struct text *out, const struct report_fit *fit)
{
    double seconds = 0;
    for (int i = 0; i < fit->trials.count; i++)
        if (isfinite(fit->trials.items[i].seconds))
            seconds += fit->trials.items[i].seconds;
    text_printf(out, "<li>A search by <b>");
    put_escaped(out, tree_text(fit->about, "method", "?"));
    text_printf(out, "</b> for the curve%s of ",
                tree_get(fit->about, "nodes")->count == 1 ? "" : "s");
    put_escaped(out, tree_text(fit->about, "spec", "a network"));
    put_about(out, fit, " on ", "subset", " samples");
    put_about(out, fit, ", ", "epochs", " epochs each");
    text_printf(out, ": %d trials, ", count_trials(fit, NULL));
    text_printf(out, seconds < 120 ? "%.3g seconds of training" : "%.0f minutes of training",
                seconds < 120 ? seconds : seconds / 60);
    if (count_trials(fit, "hopeless") > 0)
        text_printf(out, ", %d given up early", count_trials(fit, "hopeless"));
    if (count_trials(fit, "diverged") > 0)
        text_printf(out, ", %d diverged", count_trials(fit, "diverged"));
    text_printf(out, ".</li>\n");
    if (fit->best >= 0) {
        text_printf(out, "<li>The best: ");
        put_parameters(out, fit);
        text_printf(out, ", score <b>%.4f</b>", fit->best_score);
        if (isfinite(fit->relu))
            text_printf(out, " (ReLU %.4f)", fit->relu);
        text_printf(out, ".</li>\n");
    }
    put_verdict(out, &fit->judged);
}

void put_summary(struct text *out, const struct report_part *part)
{
    if (part->group.runs.count > 0)
        put_group_summary(out, &part->group,
                          strcmp(part->kind, "sweep") == 0 ? "combination" : "network");
    if (part->fit)
        put_fit_summary(out, part->fit);
    if (part->histograms.nodes.count > 0)
        text_printf(out, "<li>What %d curve%s saw in %.0f samples.</li>\n",
                    part->histograms.nodes.count, part->histograms.nodes.count == 1 ? "" : "s",
                    part->histograms.nodes.items[0].samples);
    if (part->speed)
        text_printf(out,
                    "<li>Generated code takes <b>%.4g ms</b> where the interpreter takes %.4g ms: "
                    "<b>%.3g times</b> as fast; results differ by %.2g at most.</li>\n",
                    tree_number(part->speed, "generated_ms"),
                    tree_number(part->speed, "interpreted_ms"), tree_number(part->speed, "ratio"),
                    tree_number(part->speed, "max_difference"));
}

/* ---- tables ---- */

static void begin_table(struct text *out, const char *const *headings, int count)
{
    text_printf(out, "<div class=\"wide\"><table><thead><tr>");
    for (int i = 0; i < count; i++)
        text_printf(out, "<th>%s</th>", headings[i]);
    text_printf(out, "</tr></thead><tbody>\n");
}

static void end_table(struct text *out)
{
    text_printf(out, "</tbody></table></div>\n");
}

static void put_cell(struct text *out, double mean, double deviation, bool loss)
{
    text_printf(out, "<td class=\"n\">");
    put_mean(out, mean, deviation, loss);
    text_printf(out, "</td>");
}

/* "3", "2 (1 diverged)" */
static void put_counts(struct text *out, const struct report_group *group, int line)
{
    int done = count_runs(group, line, "done"), all = count_runs(group, line, NULL);
    text_printf(out, "<td class=\"n\">%d", done);
    if (all > done)
        text_printf(out, " (%d not)", all - done);
    text_printf(out, "</td>");
}

void put_lines_table(struct text *out, const struct report_group *group)
{
    static const char *const headings[] = {"",          "accuracy", "loss",
                                           "runs done", "seconds",  "images/s"};
    int best = group->lines.count > 1 ? best_line(group) : -1;
    begin_table(out, headings, 6);
    for (int i = 0; i < group->lines.count; i++) {
        double deviation, unused;
        double accuracy = mean_number(group, i, run_accuracy, &deviation);
        text_printf(out, "<tr%s><td><i class=\"dot\" style=\"background:var(--c%d)\"></i>",
                    i == best ? " class=\"best\"" : "", i % REPORT_COLOURS);
        put_escaped(out, group->lines.items[i]);
        text_printf(out, "</td>");
        put_cell(out, accuracy, deviation, false);
        double loss = mean_number(group, i, run_loss, &deviation);
        put_cell(out, loss, deviation, true);
        put_counts(out, group, i);
        put_cell(out, mean_number(group, i, run_seconds, &unused), NAN, true);
        double speed = mean_number(group, i, run_speed, &unused);
        text_printf(out, isfinite(speed) ? "<td class=\"n\">%.0f</td>" : "<td class=\"n\">–</td>",
                    speed);
        text_printf(out, "</tr>\n");
    }
    end_table(out);
}

/* Indices of trials by falling score, those without one last. */
static int *by_score(struct arena *arena, const struct report_fit *fit)
{
    int *order = arena_array(arena, (size_t)fit->trials.count + 1, int);
    for (int i = 0; i < fit->trials.count; i++) {
        double score = fit->trials.items[i].score;
        int place = i;
        while (place > 0 && isfinite(score) &&
               !(fit->trials.items[order[place - 1]].score >= score)) {
            order[place] = order[place - 1];
            place--;
        }
        order[place] = i;
    }
    return order;
}

void put_trials_table(struct text *out, struct arena *arena, const struct report_fit *fit)
{
    enum { MOST_ROWS = 15 };
    static const char *const headings[] = {"score", "L",     "Q",      "I",
                                           "layer", "phase", "epochs", "status"};
    static const char *const letters[] = {"L", "Q", "I"};
    int *order = by_score(arena, fit), rows = min_int(fit->trials.count, MOST_ROWS);
    begin_table(out, headings, 8);
    for (int n = 0; n < rows; n++) {
        const struct report_trial *trial = &fit->trials.items[order[n]];
        const struct tree *first =
            trial->curves->count > 0 ? &trial->curves->items[0] : trial->curves;
        text_printf(out, "<tr%s>", is_best(fit, order[n]) ? " class=\"best\"" : "");
        put_cell(out, trial->score, NAN, false);
        for (int k = 0; k < 3; k++)
            text_printf(out, "<td class=\"n\">%.6g%s</td>", tree_number(first, letters[k]),
                        trial->curves->count > 1 ? " …" : "");
        text_printf(out, "<td>");
        put_escaped(out, trial->layer ? trial->layer : "all");
        text_printf(out, "</td><td>");
        put_escaped(out, trial->baseline ? "ReLU" : trial->phase);
        text_printf(out, "</td><td class=\"n\">%d</td><td>", trial->epochs);
        put_escaped(out, trial->status);
        text_printf(out, "</td></tr>\n");
    }
    end_table(out);
    if (fit->trials.count > rows)
        text_printf(out, "<p class=\"note\">The best %d of %d trials.</p>\n", rows,
                    fit->trials.count);
}

void put_pieces_table(struct text *out, const struct curve *curve)
{
    static const char *const headings[] = {"from", "to", "slope", "intercept"};
    begin_table(out, headings, 4);
    for (int i = 0; i < curve->table->count; i++) {
        const struct piece *piece = &curve->table->pieces[i];
        const double cells[] = {piece->from, piece->to, piece->slope, piece->intercept};
        text_printf(out, "<tr>");
        for (int k = 0; k < 4; k++) {
            if (isinf(cells[k]))
                text_printf(out, "<td class=\"n\">%s</td>", cells[k] < 0 ? "−∞" : "∞");
            else
                text_printf(out, "<td class=\"n\">%.6g</td>", cells[k] + 0.0);
        }
        text_printf(out, "</tr>\n");
    }
    end_table(out);
}

void put_speed_table(struct text *out, const struct report_part *part)
{
    static const char *const headings[] = {"interpreted", "generated", "ratio",
                                           "largest difference"};
    static const char *const names[] = {"interpreted_ms", "generated_ms", "ratio",
                                        "max_difference"};
    begin_table(out, headings, 4);
    text_printf(out, "<tr>");
    for (int i = 0; i < 4; i++)
        text_printf(out, "<td class=\"n\">%.4g%s</td>", tree_number(part->speed, names[i]),
                    i < 2 ? " ms" : "");
    text_printf(out, "</tr>\n");
    end_table(out);
}
