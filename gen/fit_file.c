/* fit_file: the file that specs read, found curves and how they were found. */
#include "fit_parts.h"
#include "json.h"

#include <stdio.h>
#include <string.h>

/* TEXT as Lua writes it; what no text of a search has is left out. */
static void put_text(struct text *out, const char *text)
{
    text_add(out, "\"", 1);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_add(out, "\\", 1);
        if ((unsigned char)*c >= ' ')
            text_add(out, c, 1);
    }
    text_add(out, "\"", 1);
}

/* "NAME = NUMBER, ", nothing where it is no number. */
static void put_field(struct text *out, const char *name, double number)
{
    if (isfinite(number))
        text_printf(out, "%s = %.6g, ", name, number);
}

/* The same; it reads back to the same double. */
static void put_exact(struct text *out, const char *name, double number)
{
    text_printf(out, "%s = ", name);
    json_put_exact(out, number);
    text_printf(out, ", ");
}

/* The curve of node INDEX: "L = 1, Q = 2, I = 3, P = 2, Z = 10,". */
static void put_curve(const struct fit_search *search, struct fit_point point, int index,
                      struct text *out)
{
    const double *own = search->nodes.items[index]->curve->parameter;
    put_exact(out, "L", point.l);
    put_exact(out, "Q", point.q);
    put_exact(out, "I", point.i);
    put_exact(out, "P", own[DYNAMIC_P]);
    put_exact(out, "Z", own[DYNAMIC_Z]);
    text_printf(out, "\n");
}

/* "histogram = { ... }" in lines of 100 columns at most. */
static void put_histogram(const char *indent, const struct histogram *histogram, struct text *out)
{
    struct text list = {0};
    print_histogram_lua(&list, histogram);
    text_printf(out, "%shistogram = ", indent);
    size_t column = strlen(indent) + strlen("histogram = ");
    for (const char *at = list.data; *at;) {
        size_t length = strcspn(at, " ");
        if (column + length + 2 > 100) {
            text_printf(out, "\n%s  ", indent);
            column = strlen(indent) + 2;
        }
        text_printf(out, "%.*s%s", (int)length, at, at[length] ? " " : "");
        column += length + 1;
        at += length + (at[length] == ' ');
    }
    text_printf(out, ",\n");
    text_free(&list);
}

static void put_curves(const struct fit_search *search, struct text *out)
{
    const struct fit_point *curves = search->best->curves;
    if (search->curves == 1) {
        text_printf(out, "  ");
        put_curve(search, curves[0], 0, out);
        if (search->seen) {
            const struct node_histogram all = join_histograms(search->arena, search->seen);
            put_histogram("  ", &all.values, out);
        }
        return;
    }
    text_printf(out, "  layers = {\n");
    for (int i = 0; i < search->curves; i++) {
        text_printf(out, "    [");
        put_text(out, search->nodes.items[i]->name);
        text_printf(out, "] = {\n      ");
        put_curve(search, curves[i], i, out);
        if (search->seen)
            put_histogram("      ", &search->seen->nodes.items[i].values, out);
        text_printf(out, "    },\n");
    }
    text_printf(out, "  },\n");
}

/* How the candidates' tables were made: "tangent k=0.1", of the first node. */
static const char *table_text(const struct fit_search *search)
{
    const struct curve *curve = search->nodes.items[0]->curve;
    return curve->method == TABLE_EXACT
               ? "minimax of 16 pieces, for the closed curve"
               : arena_printf(search->arena, "%s %s=%g", curve_method_name(curve->method),
                              curve_method_parameter(curve->method), curve->k);
}

static const char *data_name(const struct fit_search *search)
{
    static const char *const names[] = {
        [LATHE_MNIST] = "mnist",     [LATHE_FASHION_MNIST] = "fashion_mnist",
        [LATHE_CIFAR10] = "cifar10", [LATHE_CIFAR100] = "cifar100",
        [LATHE_DIGITS] = "digits",   [LATHE_XOR] = "xor",
        [LATHE_LINEAR] = "linear",   [LATHE_MAX] = "max",
        [LATHE_IMAGES] = "images",   [LATHE_LOGSUMEXP] = "logsumexp",
        [LATHE_ARRAYS] = "arrays",   [LATHE_NO_DATA] = "none"};
    return names[search->network->data.source];
}

static void put_text_field(struct text *out, const char *name, const char *text)
{
    text_printf(out, "%s = ", name);
    put_text(out, text);
    text_printf(out, ", ");
}

static void put_found(const struct fit_search *search, struct text *out)
{
    const struct fit_options *o = search->options;
    const struct candidate *best = search->best;
    const struct trial *trial = best->trials.items[0];
    const struct candidate *relu = fit_baseline(search, trial->epochs);
    struct fit_score score = fit_score_of(best);
    struct fit_score its = relu ? fit_score_of(relu) : (struct fit_score){NAN, NAN};
    text_printf(out, "  found = {\n    complete = %s, ", search->complete ? "true" : "false");
    if (search->out_of_time)
        put_field(out, "cut_short_after_minutes", o->budget);
    put_text_field(out, "method", o->method);
    put_text_field(out, "phase", trial->phase);
    put_text_field(out, "spec", o->spec);
    text_printf(out, "\n    ");
    put_text_field(out, "data", data_name(search));
    put_field(out, "subset", o->subset ? (double)o->subset : NAN);
    put_field(out, "subset_share", o->subset ? NAN : search->network->data.subset);
    put_field(out, "validation", search->validation ? (double)search->validation : NAN);
    put_field(out, "validation_share", search->validation ? NAN : search->network->data.validation);
    put_field(out, "epochs", trial->epochs);
    put_field(out, "seeds", best->trials.count);
    put_field(out, "trials", search->trials.count);
    text_printf(out, "\n    ");
    put_text_field(out, "space", fit_space_text(search->arena, &search->space));
    put_text_field(out, "table", table_text(search));
    text_printf(out, "\n    ");
    put_field(out, "score", score.mean);
    put_field(out, "deviation", score.deviation);
    put_field(out, "relu_score", its.mean);
    put_field(out, "relu_deviation", its.deviation);
    if (isfinite(search->learned_score))
        text_printf(out, "\n    ");
    put_field(out, "learned_score", search->learned_score);
    put_field(out, "fine_tuned_score", search->tuned_score);
    text_printf(out, "\n    ");
    put_field(out, "minutes", fit_time(search) / 60);
    put_text_field(out, "lathe", LATHE_VERSION);
    text_printf(out, "\n");
    fit_put_judgement(search, out);
    text_printf(out, "  },\n");
}

void fit_write(const struct fit_search *search)
{
    struct text out = {0};
    text_printf(&out, "-- Dynamic curves that lathe fit found%s.\nreturn {\n",
                search->complete ? "" : ", as far as it came");
    put_curves(search, &out);
    put_found(search, &out);
    text_printf(&out, "}\n");
    for (size_t i = 0; i + 1 < out.length; i++) /* lists end without blanks */
        if (out.data[i] == ' ' && out.data[i + 1] == '\n') {
            memmove(out.data + i, out.data + i + 1, out.length - i);
            out.length--;
            i = i > 1 ? i - 2 : 0;
        }
    write_file(search->options->output, out.data, out.length);
    text_free(&out);
}
