/*
 * sweep_report: what a sweep came to: the table of its combinations, and accuracy (loss, where
 * there are no classes) after each epoch as a picture, drawn by gnuplot.
 */
#include "sweep_parts.h"
#include "cc.h"
#include "statistics.h"

#include <stdio.h>
#include <string.h>

/* ---- numbers over seeds ---- */

/* What RUN, which is done, is chosen by: its accuracy, or loss, on the test set; with samples held
 * out theirs, at their least loss, for train keeps the weights of that epoch. */
static double judged(const struct sweep *sweep, const struct sweep_run *run)
{
    int best = 0;
    if (!sweep->held || run->epochs == 0)
        return sweep->classes ? run->accuracy : run->loss;
    for (int i = 1; i < run->epochs; i++)
        if (run->losses[i] < run->losses[best])
            best = i;
    return (sweep->classes ? run->accuracies : run->losses)[best];
}

struct summary summarise(const struct sweep *sweep, int combination)
{
    int seeds = sweep->seeds.count;
    struct summary s = {0};
    struct arena *arena = arena_new();
    double *accuracies = arena_array(arena, (size_t)seeds, double);
    double *losses = arena_array(arena, (size_t)seeds, double);
    double *judgements = arena_array(arena, (size_t)seeds, double);
    double *seconds = arena_array(arena, (size_t)seeds, double), unused;
    for (int i = 0; i < seeds; i++) {
        const struct sweep_run *run = run_of(sweep, combination, i);
        s.diverged += run->status == RUN_DIVERGED;
        s.failed += run->status == RUN_FAILED;
        if (run->status != RUN_DONE)
            continue;
        accuracies[s.done] = run->accuracy;
        losses[s.done] = run->loss;
        judgements[s.done] = judged(sweep, run);
        seconds[s.done++] = run->seconds;
    }
    s.accuracy = mean_of(accuracies, s.done, &s.accuracy_deviation);
    s.loss = mean_of(losses, s.done, &s.loss_deviation);
    s.judged = mean_of(judgements, s.done, &s.judged_deviation);
    s.seconds = mean_of(seconds, s.done, &unused);
    arena_free(arena);
    return s;
}

/* The combination with the highest mean accuracy (lowest loss) of what judges, among those whose
 * runs all ended well; -1: there is none, or no other. */
static int best_combination(const struct sweep *sweep)
{
    int best = -1;
    double highest = -INFINITY;
    for (int i = 0; i < sweep->combinations.count && sweep->combinations.count > 1; i++) {
        struct summary s = summarise(sweep, i);
        double merit = sweep->classes ? s.judged : -s.judged;
        if (s.done == sweep->seeds.count && merit > highest) {
            highest = merit;
            best = i;
        }
    }
    return best;
}

/* ---- the table ---- */

/* Columns behind those of the keys. */
enum { COLUMN_JUDGED, COLUMN_ACCURACY, COLUMN_LOSS, COLUMN_SEEDS, COLUMN_SECONDS, FIGURES };

/* "0.9712 +- 0.0012", "0.9712" for one seed, "-" for none. */
static const char *accuracy_text(struct arena *arena, double mean, double deviation)
{
    if (isnan(mean))
        return "-";
    return isnan(deviation) ? arena_printf(arena, "%.4f", mean)
                            : arena_printf(arena, "%.4f +- %.4f", mean, deviation);
}

/* The same for losses, which may be small. */
static const char *loss_text(struct arena *arena, double mean, double deviation)
{
    if (isnan(mean))
        return "-";
    return isnan(deviation) ? arena_printf(arena, "%.4g", mean)
                            : arena_printf(arena, "%.4g +- %.2g", mean, deviation);
}

/* "3", "2 (1 diverged)", "0 (3 diverged)". */
static const char *seeds_text(struct arena *arena, const struct summary *s)
{
    const char *text = arena_printf(arena, "%d", s->done);
    if (s->diverged)
        text = arena_printf(arena, "%s (%d diverged)", text, s->diverged);
    return s->failed ? arena_printf(arena, "%s (%d failed)", text, s->failed) : text;
}

/* The cells of row ROW; 0 is the heading. */
static void fill_row(const struct sweep *sweep, struct arena *arena, int row, const char **cells)
{
    int keys = sweep->keys.count, combination = row - 1;
    const char *headings[FIGURES] = {sweep->classes ? "validation_accuracy" : "validation_loss",
                                     "test_accuracy", "test_loss", "seeds", "seconds"};
    for (int k = 0; k < keys; k++)
        cells[k] =
            row == 0 ? sweep->keys.items[k].name : sweep->combinations.items[combination].values[k];
    if (row == 0) {
        memcpy(cells + keys, headings, sizeof headings);
        return;
    }
    struct summary s = summarise(sweep, combination);
    const char **figures = cells + keys;
    figures[COLUMN_JUDGED] =
        (sweep->classes ? accuracy_text : loss_text)(arena, s.judged, s.judged_deviation);
    figures[COLUMN_ACCURACY] = accuracy_text(arena, s.accuracy, s.accuracy_deviation);
    figures[COLUMN_LOSS] = loss_text(arena, s.loss, s.loss_deviation);
    figures[COLUMN_SEEDS] = seeds_text(arena, &s);
    figures[COLUMN_SECONDS] = isnan(s.seconds) ? "-" : arena_printf(arena, "%.1f", s.seconds);
}

/* Is there something to say in column COLUMN of the table? */
static bool is_shown(const struct sweep *sweep, int column)
{
    int figure = column - sweep->keys.count;
    return (figure != COLUMN_JUDGED || sweep->held) &&
           (figure != COLUMN_ACCURACY || sweep->classes);
}

void print_table(const struct sweep *sweep)
{
    struct arena *arena = arena_new();
    int rows = sweep->combinations.count + 1, columns = sweep->keys.count + FIGURES;
    int best = best_combination(sweep);
    const char **cells = arena_array(arena, (size_t)rows * (size_t)columns, const char *);
    int *widths = arena_array(arena, (size_t)columns, int);
    for (int i = 0; i < rows; i++) {
        fill_row(sweep, arena, i, cells + i * columns);
        for (int j = 0; j < columns; j++)
            widths[j] = max_int(widths[j], (int)strlen(cells[i * columns + j]));
    }
    putchar('\n');
    for (int i = 0; i < rows; i++) {
        struct text line = {0};
        text_printf(&line, i > 0 && i - 1 == best ? "*" : " ");
        for (int j = 0; j < columns; j++)
            if (is_shown(sweep, j))
                text_printf(&line, " %-*s ", widths[j], cells[i * columns + j]);
        while (line.data[line.length - 1] == ' ')
            line.data[--line.length] = '\0';
        puts(line.data);
        text_free(&line);
    }
    if (best >= 0)
        printf("\nbest (*): %s\n", sweep->combinations.items[best].label);
    arena_free(arena);
}

/* ---- the picture ---- */

/* Okabe and Ito (2008), "Color Universal Design": told apart by the colour-blind, too; their yellow
 * left out, which is weak on white. */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                      "#E69F00", "#56B4E9", "#000000"};
enum { COLOURS = sizeof colours / sizeof *colours, DASHES = 5, POINTS_MAX = 40 };

/* TEXT in gnuplot's single quotes. */
static void put_quoted(struct text *out, const char *text)
{
    text_printf(out, "'");
    for (const char *c = text; *c; c++)
        text_printf(out, *c == '\'' ? "''" : "%c", (unsigned char)*c < ' ' ? ' ' : *c);
    text_printf(out, "'");
}

/* How many epochs the longest run of COMBINATION has; -1 for all. */
static int longest(const struct sweep *sweep, int combination)
{
    int most = 0;
    for (int i = 0; i < sweep->runs.count; i++) {
        const struct sweep_run *run = &sweep->runs.items[i];
        if (combination < 0 || run->combination == &sweep->combinations.items[combination])
            most = max_int(most, run->epochs);
    }
    return most;
}

/* A block of lines "epoch mean lowest highest seeds" for COMBINATION. */
static void put_block(const struct sweep *sweep, int combination, struct text *out)
{
    struct arena *arena = arena_new();
    double *values = arena_array(arena, (size_t)sweep->seeds.count, double);
    text_printf(out, "# %s\n", sweep->combinations.items[combination].label);
    for (int epoch = 0; epoch < longest(sweep, combination); epoch++) {
        int count = 0;
        double unused, low = INFINITY, high = -INFINITY;
        for (int i = 0; i < sweep->seeds.count; i++) {
            const struct sweep_run *run = run_of(sweep, combination, i);
            if (epoch >= run->epochs)
                continue;
            double value = (sweep->classes ? run->accuracies : run->losses)[epoch];
            values[count++] = value;
            low = fmin(low, value);
            high = fmax(high, value);
        }
        text_printf(out, "%d %.9g %.9g %.9g %d\n", epoch + 1, mean_of(values, count, &unused), low,
                    high, count);
    }
    if (longest(sweep, combination) == 0) /* a block all the same: they are counted */
        text_printf(out, "1 NaN NaN NaN 0\n");
    text_printf(out, "\n\n");
    arena_free(arena);
}

/* Which colour and which dash COMBINATION has: where there are more than colours, the last key
 * chooses the colour, the others the dash. */
static void choose_style(const struct sweep *sweep, int combination, int *colour, int *dash)
{
    int keys = sweep->keys.count;
    int inner = keys ? sweep->keys.items[keys - 1].values.count : 1;
    if (sweep->combinations.count <= COLOURS || keys < 2)
        inner = COLOURS;
    *colour = combination % inner % COLOURS;
    *dash = combination / inner % DASHES;
}

/* What the legend says of COMBINATION: its values, and how many runs diverged. */
static const char *legend(const struct sweep *sweep, struct arena *arena, int combination)
{
    const char *text = "";
    struct summary s = summarise(sweep, combination);
    for (int k = 0; k < sweep->keys.count; k++)
        text = arena_printf(arena, "%s%s%s", text, k ? ", " : "",
                            sweep->combinations.items[combination].values[k]);
    if (s.diverged && sweep->seeds.count == 1)
        return arena_printf(arena, "%s (diverged)", text);
    return s.diverged
               ? arena_printf(arena, "%s (%d of %d diverged)", text, s.diverged, sweep->seeds.count)
               : text;
}

static void put_heading(const struct sweep *sweep, struct arena *arena, struct text *out)
{
    const struct sweep_options *o = sweep->options;
    const char *names = "", *more = "";
    const char *what = arena_printf(arena, "%s %s", sweep->held ? "validation" : "test",
                                    sweep->classes ? "accuracy" : "loss");
    for (int k = 0; k < sweep->keys.count; k++)
        names = arena_printf(arena, "%s%s%s", names, k ? ", " : "", sweep->keys.items[k].name);
    for (int i = 0; i < o->setting_count; i++)
        more = arena_printf(arena, "%s%s=%s, ", more, o->settings[i].key, o->settings[i].value);
    if (o->limit_train)
        more = arena_printf(arena, "%s%lld training images, ", more, (long long)o->limit_train);
    if (sweep->seeds.count > 1)
        more = arena_printf(arena, "%smean of %d seeds, band: lowest to highest", more,
                            sweep->seeds.count);
    else
        more = arena_printf(arena, "%sone seed", more);
    text_printf(out, "set title ");
    put_quoted(out, arena_printf(arena, "%s: %s after each epoch", sweep->name, what));
    text_printf(out, " font ',16' noenhanced\nset xlabel 'epoch'\nset ylabel '%s'\n", what);
    text_printf(out, "set label 1 ");
    put_quoted(out, more);
    text_printf(out, " at graph 0.5, graph 1.03 center noenhanced textcolor rgb '#555555'\n");
    text_printf(out, "set key outside right top vertical Left reverse noenhanced title ");
    put_quoted(out, names);
    text_printf(out, " noenhanced left\n");
}

static bool all_positive(const struct sweep *sweep)
{
    for (int i = 0; i < sweep->runs.count; i++)
        for (int j = 0; j < sweep->runs.items[i].epochs; j++)
            if (!(sweep->runs.items[i].losses[j] > 0))
                return false;
    return true;
}

static void put_axes(const struct sweep *sweep, struct text *out)
{
    int epochs = longest(sweep, -1);
    if (epochs > 1)
        text_printf(out, "set xrange [1:%d]\n", epochs);
    else
        text_printf(out, "set xrange [0.5:1.5]\n");
    if (epochs <= 12)
        text_printf(out, "set xtics 1\n");
    if (!sweep->classes && all_positive(sweep))
        text_printf(out, "set logscale y\nset format y '%%.0e'\n");
    text_printf(out, "set grid linecolor rgb '#DDDDDD'\nset border 3\nset tics out nomirror\n");
}

static void put_lines(const struct sweep *sweep, struct arena *arena, struct text *out)
{
    const char *style = longest(sweep, -1) <= POINTS_MAX ? "linespoints" : "lines";
    const char *separator = "plot ";
    int best = best_combination(sweep);
    for (int band = sweep->seeds.count > 1; band >= 0; band--)
        for (int i = 0; i < sweep->combinations.count; i++) {
            int colour, dash;
            choose_style(sweep, i, &colour, &dash);
            text_printf(out, "%s'sweep.dat' index %d using ", separator, i);
            separator = ", \\\n     ";
            if (band) {
                text_printf(out,
                            "1:3:4 with filledcurves linecolor rgb '%s' fillstyle transparent "
                            "solid %.2f noborder notitle",
                            colours[colour], sweep->combinations.count > COLOURS ? 0.08 : 0.15);
                continue;
            }
            text_printf(out,
                        "1:2 with %s linecolor rgb '%s' linewidth %d dashtype %d pointtype %d "
                        "pointsize 0.6 title ",
                        style, colours[colour], i == best ? 4 : 2, dash + 1, 5 + 2 * (dash % 5));
            put_quoted(out, arena_printf(arena, "%s%s", legend(sweep, arena, i),
                                         i == best ? " (best)" : ""));
        }
    text_printf(out, "\n");
}

struct drawing {
    const char *folder;
    struct text output;
    int status;
};

static void run_gnuplot(void *context)
{
    struct drawing *d = context;
    const char *words[] = {"gnuplot", "sweep.gp", NULL};
    d->status = run_program(words, d->folder, &d->output);
}

void draw_picture(const struct sweep *sweep)
{
    struct arena *arena = arena_new();
    struct text data = {0}, script = {0};
    struct drawing drawing = {.folder = sweep->folder};
    struct failure failure;
    if (longest(sweep, -1) == 0) {
        printf("no run has a whole epoch: nothing to draw\n");
        arena_free(arena);
        return;
    }
    text_printf(&data, "# epoch mean lowest highest seeds\n");
    for (int i = 0; i < sweep->combinations.count; i++)
        put_block(sweep, i, &data);
    text_printf(&script,
                "# gnuplot sweep.gp draws sweep.svg\n"
                "set terminal svg size 960,%d dynamic font 'Helvetica,13' background 'white'\n"
                "set output 'sweep.svg'\n",
                max_int(540, 140 + 18 * sweep->combinations.count));
    put_heading(sweep, arena, &script);
    put_axes(sweep, &script);
    put_lines(sweep, arena, &script);
    write_file(arena_printf(arena, "%s/sweep.dat", sweep->folder), data.data, data.length);
    write_file(arena_printf(arena, "%s/sweep.gp", sweep->folder), script.data, script.length);
    if (protected_call(run_gnuplot, &drawing, &failure) != STATUS_DONE)
        printf("\nno picture: %s (make deps installs it; gnuplot sweep.gp in %s draws it)\n",
               failure.message, sweep->folder);
    else if (drawing.status != 0)
        printf("\nno picture: gnuplot ends with status %d: %.*s\n", drawing.status,
               (int)strcspn(drawing.output.data ? drawing.output.data : "", "\n"),
               drawing.output.data ? drawing.output.data : "");
    else
        printf("\n%s/sweep.svg: drawn\n", sweep->folder);
    text_free(&drawing.output);
    text_free(&script);
    text_free(&data);
    arena_free(arena);
}
