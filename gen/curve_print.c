/*
 * curve_print: curves and tables as text and JSON.
 */
#include "curve_kind.h"

#include <stdio.h>

/* X rounded up to four digits: a bound stays one when it is printed with %.4g. */
static double bound_to_print(double x)
{
    if (!(x > 0))
        return x;
    double unit = pow(10, floor(log10(x)) - 3);
    return ceil(x / unit * (1 - 1e-15)) * unit;
}

/* " 0.01", or " L=55.9 Q=12 ...". */
static void describe_parameters(struct text *out, const struct curve *curve)
{
    const char *letters = row_of(curve)->parameters;
    if (letters[0] && !letters[1])
        text_printf(out, " %g", curve->parameter[0]);
    for (int i = 0; letters[0] && letters[1] && letters[i]; i++)
        text_printf(out, " %c=%g", letters[i], curve->parameter[i]);
}

static void describe(struct text *out, const struct curve *curve)
{
    const struct table *table = curve->table;
    text_printf(out, "%s", curve_kind_name(curve->kind));
    describe_parameters(out, curve);
    if (row_of(curve)->pieces) {
        if (table)
            text_printf(out, ": %d pieces", table->count);
        return;
    }
    text_printf(out, ", %s", curve_method_name(curve->method));
    if (curve->method == TABLE_EXACT)
        return;
    text_printf(out, " %s=%g", curve_method_parameter(curve->method), curve->k);
    if (curve->max > 0)
        text_printf(out, " max=%g", curve->max);
    if (table && curve->method == TABLE_WEIGHTED)
        text_printf(out, ": %d pieces, value within %.4g in the mean, %.4g at most%s", table->count,
                    bound_to_print(table->mean_error), bound_to_print(table->value_error),
                    curve_is_measured(curve) ? " (measured)" : "");
    else if (table)
        text_printf(out, ": %d pieces, value within %.4g%s", table->count,
                    bound_to_print(table->value_error),
                    curve_is_measured(curve) ? " (measured)" : "");
}

char *curve_describe(struct arena *arena, const struct curve *curve)
{
    struct text text = {0};
    describe(&text, curve);
    char *copy = arena_copy(arena, text.data);
    text_free(&text);
    return copy;
}

/* "2 x - 0.5", without what is 0. */
static void print_line(struct text *out, const struct piece *piece)
{
    if (piece->slope == 0) {
        text_printf(out, "%.6g", piece->intercept + 0.0);
        return;
    }
    if (piece->slope != 1)
        text_printf(out, "%.6g ", piece->slope);
    text_printf(out, "x");
    if (piece->intercept != 0)
        text_printf(out, " %c %.6g", piece->intercept < 0 ? '-' : '+', fabs(piece->intercept));
}

void curve_print_text(struct text *out, const struct curve *curve)
{
    const struct table *table = curve->table;
    describe(out, curve);
    text_printf(out, "\n");
    if (!table)
        return;
    for (int i = 0; i < table->count; i++) {
        const struct piece *piece = &table->pieces[i];
        char from[32] = "", to[32] = "";
        if (isfinite(piece->from))
            snprintf(from, sizeof from, "%.6g <", piece->from);
        if (isfinite(piece->to))
            snprintf(to, sizeof to, "<= %.6g", piece->to);
        text_printf(out, "%15s x %-16s  y = ", from, to);
        print_line(out, piece);
        text_printf(out, "\n");
    }
    text_printf(out, "value within %.4g, slope within %.4g of the curve, %s\n",
                bound_to_print(table->value_error), bound_to_print(table->slope_error),
                !curve_is_measured(curve) ? "for every x"
                : curve->max > 0          ? "on samples up to max: measured, not proven"
                                          : "on samples: measured, not proven");
    if (curve->method == TABLE_WEIGHTED && !row_of(curve)->pieces)
        text_printf(out, "root-mean-square distance where the curve's numbers are: %.4g\n",
                    bound_to_print(table->mean_error));
}

/* A number as JSON has it: the infinite ends of a table are null. */
static void print_end(struct text *out, const char *name, double x)
{
    if (isfinite(x))
        text_printf(out, "\"%s\": %.9g, ", name, x);
    else
        text_printf(out, "\"%s\": null, ", name);
}

void curve_print_json(struct text *out, const struct curve *curve)
{
    const struct table *table = curve->table;
    if (!table) {
        text_printf(out, "{\"pieces\": [], \"value_error\": null, \"slope_error\": null}\n");
        return;
    }
    text_printf(out, "{\"pieces\": [");
    for (int i = 0; i < table->count; i++) {
        const struct piece *piece = &table->pieces[i];
        text_printf(out, i ? ",\n  {" : "\n  {");
        print_end(out, "from", piece->from);
        print_end(out, "to", piece->to);
        text_printf(out, "\"slope\": %.9g, \"intercept\": %.9g}", piece->slope, piece->intercept);
    }
    text_printf(out, "],\n \"value_error\": %.17g, \"slope_error\": %.17g", table->value_error,
                table->slope_error);
    if (curve->method == TABLE_WEIGHTED && !row_of(curve)->pieces)
        text_printf(out, ", \"mean_error\": %.17g", table->mean_error);
    text_printf(out, "%s}\n", curve_is_measured(curve) ? ", \"measured\": true" : "");
}
