/*
 * report_plot: what gnuplot is told. Colours are names of the page's style in disguise, which
 * report_svg.c turns back: #010101 is the text's colour, #020202 the grid's, #0A00nn line nn's. No
 * text of a file is in a script: legends are HTML.
 */
#include "report_parts.h"

#include "curve.h"
#include "json_tree.h"
#include "statistics.h"

#include <stdio.h>
#include <string.h>

static const char head[] = "reset\n"
                           "set border 3 linecolor rgb '#010101'\n"
                           "set tics nomirror out textcolor rgb '#010101'\n"
                           "set grid linecolor rgb '#020202' dashtype solid linewidth 1\n"
                           "unset key\n"
                           "set samples 2\n";

static void put_labels(struct text *out, const char *x, const char *y)
{
    text_printf(out,
                "set xlabel '%s' offset 0,0.6 textcolor rgb '#010101' noenhanced\n"
                "set ylabel '%s' offset 1,0 textcolor rgb '#010101' noenhanced\n",
                x, y);
}

/* Take SCRIPT, which is freed, as a picture. */
static void take_picture(struct arena *arena, struct pictures *pictures, const char *title,
                         struct text *script)
{
    struct picture picture = {.title = title, .script = arena_copy(arena, script->data)};
    vector_push(arena, &pictures->items, picture);
    text_free(script);
}

/* ---- runs ---- */

static int longest_run(const struct report_group *group)
{
    int most = 0;
    for (int i = 0; i < group->runs.count; i++)
        most = max_int(most, group->runs.items[i].epochs);
    return most;
}

enum measure { LOSS, ACCURACY, TRAIN_LOSS };

static const double *measured(const struct report_run *run, enum measure measure)
{
    return measure == LOSS       ? run->losses
           : measure == ACCURACY ? run->accuracies
                                 : run->train_losses;
}

/* "epoch mean lowest highest" of LINE, a block. Returns whether there is a number. */
static bool put_epochs(struct arena *arena, const struct report_group *group, int line,
                       enum measure measure, struct text *out)
{
    double *values = arena_array(arena, (size_t)group->runs.count + 1, double), unused;
    bool any = false;
    for (int epoch = 0; epoch < longest_run(group); epoch++) {
        int count = 0;
        double low = INFINITY, high = -INFINITY;
        for (int i = 0; i < group->runs.count; i++) {
            const struct report_run *run = &group->runs.items[i];
            const double *numbers = measured(run, measure);
            if (run->line != line || epoch >= run->epochs || !numbers || !isfinite(numbers[epoch]))
                continue;
            values[count++] = numbers[epoch];
            low = fmin(low, numbers[epoch]);
            high = fmax(high, numbers[epoch]);
        }
        if (count > 0)
            text_printf(out, "%d %.9g %.9g %.9g\n", epoch + 1, mean_of(values, count, &unused), low,
                        high);
        any |= count > 0;
    }
    text_printf(out, any ? "\n\n" : "1 NaN NaN NaN\n\n\n"); /* blocks are counted */
    return any;
}

static void put_epoch_lines(const struct report_group *group, struct text *out)
{
    int epochs = longest_run(group);
    const char *style = epochs <= 20 ? "linespoints" : "lines", *separator = "plot ";
    for (int band = 1; band >= 0; band--)
        for (int i = 0; i < group->lines.count; i++) {
            text_printf(out, "%s$d index %d using ", separator, i);
            separator = ", ";
            if (band)
                text_printf(out,
                            "1:3:4 with filledcurves linecolor rgb '#0A00%02X' fillstyle "
                            "transparent solid 0.18 noborder",
                            i % REPORT_COLOURS);
            else
                text_printf(out,
                            "1:2 with %s linecolor rgb '#0A00%02X' linewidth 2 dashtype %d "
                            "pointtype 7 pointsize 0.45",
                            style, i % REPORT_COLOURS, 1 + i / REPORT_COLOURS % 4);
        }
    text_printf(out, "\n");
}

static void plot_measure(struct arena *arena, const struct report_group *group,
                         enum measure measure, const char *title, struct pictures *pictures)
{
    struct text data = {0}, script = {0};
    int epochs = longest_run(group);
    bool any = false;
    for (int i = 0; i < group->lines.count; i++)
        any |= put_epochs(arena, group, i, measure, &data);
    if (any) {
        text_printf(&script, "%s$d << END\n%sEND\n", head, data.data);
        put_labels(&script, "epoch", measure == ACCURACY ? "accuracy" : "loss");
        if (epochs > 1)
            text_printf(&script, "set xrange [1:%d]\n", epochs);
        else
            text_printf(&script, "set xrange [0.5:1.5]\n");
        if (epochs <= 10)
            text_printf(&script, "set xtics 1\n");
        put_epoch_lines(group, &script);
        take_picture(arena, pictures, title, &script);
    }
    text_free(&data);
}

void plot_group(struct arena *arena, const struct report_group *group, struct pictures *pictures)
{
    plot_measure(arena, group, ACCURACY, "Accuracy after each epoch", pictures);
    plot_measure(arena, group, LOSS, "Loss after each epoch", pictures);
    plot_measure(arena, group, TRAIN_LOSS, "Loss in training", pictures);
}

/* ---- searches ---- */

enum { TRIAL_LAST, TRIAL_EARLIER, TRIAL_STOPPED, TRIAL_BEST, TRIAL_CLASSES };

static int class_of(const struct report_fit *fit, int trial)
{
    const struct report_trial *t = &fit->trials.items[trial];
    if (is_best(fit, trial))
        return TRIAL_BEST;
    if (strcmp(t->status, "done") != 0)
        return TRIAL_STOPPED;
    return fit->best >= 0 && t->epochs < fit->trials.items[fit->best].epochs ? TRIAL_EARLIER
                                                                             : TRIAL_LAST;
}

/* What the x axis of a panel holds. */
struct span {
    double low, high;
};

/* |x| of the trials of CLASS by their scores, x below 0 in the block after; SPAN is widened to hold
 * them. */
static void put_trials(const struct report_fit *fit, const char *letter, int class,
                       struct span *span, struct text *out)
{
    for (int negative = 0; negative < 2; negative++) {
        text_printf(out, "NaN NaN\n"); /* blocks are counted */
        for (int i = 0; i < fit->trials.count; i++) {
            const struct report_trial *trial = &fit->trials.items[i];
            if (trial->baseline || class_of(fit, i) != class || !isfinite(trial->score))
                continue;
            for (int k = 0; k < trial->curves->count; k++) {
                double x = tree_number(&trial->curves->items[k], letter);
                if (x == 0 || !isfinite(x) || (x < 0) != negative)
                    continue;
                text_printf(out, "%.9g %.9g\n", fabs(x), trial->score);
                span->low = fmin(span->low, fabs(x));
                span->high = fmax(span->high, fabs(x));
            }
        }
        text_printf(out, "\n\n");
    }
}

/* Ticks at 1, 2 and 5 times the powers of ten; at these alone where there are many. */
static void put_log_ticks(struct text *out, struct span span)
{
    static const int steps[] = {1, 2, 5};
    bool many = span.high / span.low > 300;
    const char *separator = "";
    text_printf(out, "set xtics (");
    for (int power = (int)floor(log10(span.low)); pow(10, power) <= span.high; power++)
        for (int i = 0; i < (many ? 1 : 3); i++) {
            text_printf(out, "%s%.9g", separator, steps[i] * pow(10, power));
            separator = ", ";
        }
    text_printf(out, ")\n");
}

static void plot_letter(struct arena *arena, const struct report_fit *fit, const char *letter,
                        struct pictures *pictures)
{
    static const struct {
        int colour;
        double size;
    } looks[TRIAL_CLASSES] = {{0, 0.7}, {5, 0.5}, {3, 0.5}, {1, 1.1}};
    struct text data = {0}, script = {0};
    struct span span = {INFINITY, -INFINITY};
    for (int class = 0; class < TRIAL_CLASSES; class ++)
        put_trials(fit, letter, class, &span, &data);
    if (span.low <= span.high) {
        text_printf(&script,
                    "%s$d << END\n%sEND\nset logscale x\nset xrange [%.9g:%.9g]\n"
                    "set offsets 0, 0, graph 0.05, graph 0.05\n",
                    head, data.data, span.low / 1.5, span.high * 1.5);
        put_log_ticks(&script, (struct span){span.low / 1.5, span.high * 1.5});
        put_labels(&script, arena_printf(arena, *letter == 'I' ? "|%s|" : "%s", letter), "score");
        text_printf(&script, "plot ");
        if (isfinite(fit->relu))
            text_printf(&script, "%.9g with lines linecolor rgb '#010101' dashtype 2, ", fit->relu);
        for (int i = 0; i < 2 * TRIAL_CLASSES; i++)
            text_printf(&script,
                        "%s$d index %d using 1:2 with points linecolor rgb '#0A00%02X' "
                        "pointtype %d pointsize %g linewidth 2",
                        i ? ", " : "", i, looks[i / 2].colour, i % 2 ? 6 : 7, looks[i / 2].size);
        text_printf(&script, "\n");
        take_picture(arena, pictures, arena_printf(arena, "Score by %s", letter), &script);
    }
    text_free(&data);
}

void plot_trials(struct arena *arena, const struct report_fit *fit, struct pictures *pictures)
{
    static const char *const letters[] = {"L", "Q", "I"};
    for (int l = 0; l < 3; l++)
        plot_letter(arena, fit, letters[l], pictures);
}

/* ---- curves ---- */

/* What is shown of a curve. */
static void curve_range(const struct curve *curve, double *low, double *high)
{
    const struct table *table = curve->table;
    *low = fmin(table->pieces[0].to, 0);
    *high = fmax(table->pieces[table->count - 1].from, 1);
    double margin = 0.15 * (*high - *low);
    *low -= margin;
    *high += margin;
}

static void put_breaks(struct text *out, const struct curve *curve)
{
    for (int i = 0; i + 1 < curve->table->count; i++) {
        double x = curve->table->pieces[i].to;
        text_printf(out, "%.9g %.9g\n", x, curve_applied_value(curve, x));
    }
    if (curve->table->count < 2)
        text_printf(out, "NaN NaN\n");
}

/* The closed form (SLOPE: its slope) in many points, then the table in as few as it has corners. */
static void put_curve(struct text *out, const struct curve *curve, double low, double high,
                      bool slope)
{
    enum { POINTS = 400 };
    for (int i = 0; i <= POINTS; i++) {
        double x = low + (high - low) * i / POINTS;
        text_printf(out, "%.9g %.9g\n", x, slope ? curve_slope(curve, x) : curve_value(curve, x));
    }
    text_printf(out, "\n\n");
    for (int i = 0; i < curve->table->count; i++) {
        const struct piece *piece = &curve->table->pieces[i];
        double ends[] = {fmax(piece->from, low), fmin(piece->to, high)};
        for (int k = 0; k < 2; k++)
            text_printf(out, "%.9g %.9g\n", ends[k],
                        slope ? piece->slope : piece->slope * ends[k] + piece->intercept);
    }
    text_printf(out, "\n\n");
}

void plot_curve(struct arena *arena, const struct curve *curve, const char *name,
                struct pictures *pictures)
{
    double low, high;
    curve_range(curve, &low, &high);
    for (int slope = 0; slope < 2; slope++) {
        struct text script = {0};
        text_printf(&script, "%s$d << END\n", head);
        put_curve(&script, curve, low, high, slope);
        put_breaks(&script, curve);
        text_printf(&script,
                    "END\nset xrange [%.9g:%.9g]\nset offsets 0, 0, graph 0.05, graph "
                    "0.05\n",
                    low, high);
        put_labels(&script, "x", slope ? "slope" : "y");
        text_printf(&script, "plot $d index 0 with lines linecolor rgb '#0A0000' linewidth 4, "
                             "$d index 1 with lines linecolor rgb '#0A0001' linewidth 1.6");
        if (!slope)
            text_printf(&script, ", $d index 2 with points linecolor rgb '#0A0001' pointtype 7 "
                                 "pointsize 0.5");
        text_printf(&script, "\n");
        take_picture(arena, pictures,
                     arena_printf(arena, slope ? "Slopes: %s" : "Curve and table: %s", name),
                     &script);
    }
}

/* ---- histograms ---- */

/* Where SHARE of HISTOGRAM's numbers is below. */
static double quantile(const struct histogram *histogram, double share)
{
    double all = 0, sum = 0;
    for (int i = 0; i < histogram->bins; i++)
        all += histogram->counts[i];
    for (int i = 0; i < histogram->bins; i++) {
        sum += histogram->counts[i];
        if (sum >= share * all)
            return histogram->from +
                   (histogram->to - histogram->from) * (i + (share > 0.5)) / histogram->bins;
    }
    return histogram->to;
}

void plot_histogram(struct arena *arena, const struct node_histogram *node,
                    const struct curve *curve, struct pictures *pictures)
{
    const struct histogram *h = &node->values;
    double low = quantile(h, 0.001), high = quantile(h, 0.999), most = 0, all = 0;
    double width = (h->to - h->from) / h->bins;
    struct text script = {0};
    for (int i = 0; i < h->bins; i++) {
        all += h->counts[i];
        most = fmax(most, h->counts[i]);
    }
    text_printf(&script, "%s$d << END\n", head);
    for (int i = 0; i < 2 * h->bins; i++)
        text_printf(&script, "%.9g %.9g\n", h->from + (i / 2 + i % 2) * width,
                    h->counts[i / 2] / all / width);
    text_printf(&script, "\n\n");
    for (int i = 0; curve && i + 1 < curve->table->count; i++)
        text_printf(&script, "%.9g %.9g\n", curve->table->pieces[i].to, most / all / width);
    text_printf(&script, "NaN NaN\nEND\nset xrange [%.9g:%.9g]\nset yrange [0:%.9g]\n", low, high,
                1.05 * most / all / width);
    put_labels(&script, "x", "density");
    text_printf(&script, "plot $d index 0 using 1:2 with filledcurves y1=0 linecolor rgb '#0A0000' "
                         "fillstyle solid 0.35 noborder, $d index 0 with lines linecolor rgb "
                         "'#0A0000' linewidth 1, $d index 1 with impulses linecolor rgb '#0A0001' "
                         "dashtype 2 linewidth 1\n");
    take_picture(arena, pictures, arena_printf(arena, "Seen by %s", node->name), &script);
}
