/*
 * curve_svg: the picture that `lathe table --svg` draws: curve, table and break points above, the
 * table's distance from the curve and its proven bound below.
 */
#include "curve.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 760, HEIGHT = 600, SAMPLES = 1200 };

/* A rectangle of the picture and the numbers it shows: x to the right, y upwards. */
struct panel {
    double left, top, width, height;
    double x_low, x_high, y_low, y_high;
};

static const char style[] =
    "<style>\n"
    "text { font: 12px system-ui, sans-serif; fill: #52514e }\n"
    ".title { font-size: 14px; font-weight: 600; fill: #1b1b19 }\n"
    ".paper { fill: #fcfcfb } .frame { fill: none; stroke: #c3c2b7 }\n"
    ".grid { stroke: #e8e7e1 } .zero { stroke: #a5a49a }\n"
    ".reference { fill: none; stroke: #a5a49a; stroke-width: 1.5; stroke-dasharray: 2 4 }\n"
    ".curve { fill: none; stroke: #2a78d6; stroke-width: 5; stroke-opacity: 0.45;\n"
    "  stroke-linejoin: round }\n"
    ".table { fill: none; stroke: #c2461c; stroke-width: 1.75; stroke-linejoin: round }\n"
    ".break { fill: #fcfcfb; stroke: #c2461c; stroke-width: 1.5 }\n"
    ".error { fill: #c2461c; fill-opacity: 0.18; stroke: #c2461c; stroke-width: 1.25 }\n"
    ".bound { stroke: #52514e; stroke-width: 1.25; stroke-dasharray: 6 4 }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "text { fill: #c3c2b7 } .title { fill: #ffffff }\n"
    ".paper { fill: #1a1a19 } .frame { stroke: #52514e }\n"
    ".grid { stroke: #2c2c2a } .zero { stroke: #6e6d66 } .reference { stroke: #7c7b73 }\n"
    ".curve { stroke: #5598e7 } .table { stroke: #f0835a }\n"
    ".break { fill: #1a1a19; stroke: #f0835a } .error { fill: #f0835a; stroke: #f0835a }\n"
    ".bound { stroke: #c3c2b7 }\n"
    "}\n"
    "</style>\n";

static double place_x(const struct panel *panel, double x)
{
    return panel->left + (x - panel->x_low) / (panel->x_high - panel->x_low) * panel->width;
}

static double place_y(const struct panel *panel, double y)
{
    return panel->top + (panel->y_high - y) / (panel->y_high - panel->y_low) * panel->height;
}

/* The step among 1, 2, 5 times a power of ten that cuts SPAN into at most COUNT parts. */
static double tick_step(double span, int count)
{
    double unit = pow(10, floor(log10(span / count)));
    double steps[] = {1, 2, 5};
    for (int i = 0; i < 3; i++)
        if (span / (steps[i] * unit) <= count)
            return steps[i] * unit;
    return 10 * unit;
}

/* The x range of the picture: what lies between the outermost break points and a margin, or a range
 * where a curve without table shows its shape. */
static void choose_x_range(const struct curve *curve, struct panel *panel)
{
    const struct table *table = curve->table;
    double low = -5, high = 5;
    if (table && table->count > 1) {
        low = table->pieces[0].to;
        high = table->pieces[table->count - 1].from;
    } else if (curve->kind == CURVE_DYNAMIC) {
        low = 0;
        high = fmax(4, 3 * fabs(curve->parameter[DYNAMIC_I]));
    }
    double margin = high > low ? 0.14 * (high - low) : 2;
    panel->x_low = low - margin;
    panel->x_high = high + margin;
}

static double sample_x(const struct panel *panel, int i)
{
    return panel->x_low + (panel->x_high - panel->x_low) * i / SAMPLES;
}

static void include_y(struct panel *panel, double y)
{
    panel->y_low = fmin(panel->y_low, y);
    panel->y_high = fmax(panel->y_high, y);
}

/* The y range that holds the curve and the table. */
static void choose_y_range(const struct curve *curve, struct panel *panel)
{
    panel->y_low = panel->y_high = 0;
    for (int i = 0; i <= SAMPLES; i++) {
        double x = sample_x(panel, i);
        include_y(panel, curve_value(curve, x));
        include_y(panel, curve_applied_value(curve, x));
    }
    for (int i = 0; curve->table && i + 1 < curve->table->count; i++)
        include_y(panel, curve_applied_value(curve, curve->table->pieces[i].to));
    if (panel->y_high <= panel->y_low)
        panel->y_high = panel->y_low + 1;
    double margin = 0.08 * (panel->y_high - panel->y_low);
    panel->y_low -= margin;
    panel->y_high += margin;
}

/* Grid lines and tick labels at whole multiples of a step; the lines through 0 are stronger. */
static void draw_grid(struct text *out, const struct panel *panel, int y_ticks, bool x_labels)
{
    double bottom = panel->top + panel->height, right = panel->left + panel->width;
    double step = tick_step(panel->x_high - panel->x_low, 10);
    for (double n = ceil(panel->x_low / step); n * step <= panel->x_high; n++) {
        double x = place_x(panel, n * step);
        text_printf(out, "<path class=\"%s\" d=\"M%.2f %.2fV%.2f\"/>\n", n == 0 ? "zero" : "grid",
                    x, panel->top, bottom);
        if (x_labels)
            text_printf(out, "<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"middle\">%.6g</text>\n", x,
                        bottom + 17, n * step + 0.0);
    }
    step = tick_step(panel->y_high - panel->y_low, y_ticks);
    for (double n = ceil(panel->y_low / step); n * step <= panel->y_high; n++) {
        double y = place_y(panel, n * step);
        text_printf(out, "<path class=\"%s\" d=\"M%.2f %.2fH%.2f\"/>\n", n == 0 ? "zero" : "grid",
                    panel->left, y, right);
        text_printf(out, "<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"end\">%.6g</text>\n",
                    panel->left - 8, y + 4, n * step + 0.0);
    }
    text_printf(out,
                "<rect class=\"frame\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"/>\n",
                panel->left, panel->top, panel->width, panel->height);
}

/* One more point of a path that was opened with d=". */
static void add_point(struct text *out, const struct panel *panel, double x, double y, bool first)
{
    text_printf(out, "%c%.2f %.2f", first ? 'M' : 'L', place_x(panel, x), place_y(panel, y));
}

static void open_path(struct text *out, const char *class, bool clipped)
{
    text_printf(out, "<path class=\"%s\"%s d=\"", class,
                clipped ? " clip-path=\"url(#plot)\"" : "");
}

/* What the table is to stand in for, and what it would be without it: ReLU, or nothing where the
 * curve is a table by nature or bounded. */
static void draw_reference(struct text *out, const struct curve *curve, const struct panel *panel)
{
    if (curve->kind != CURVE_DYNAMIC)
        return;
    open_path(out, "reference", true);
    add_point(out, panel, panel->x_low, 0, true);
    add_point(out, panel, 0, 0, false);
    add_point(out, panel, panel->x_high, panel->x_high, false);
    text_printf(out, "\"/>\n");
}

static void draw_curve(struct text *out, const struct curve *curve, const struct panel *panel)
{
    open_path(out, "curve", true);
    for (int i = 0; i <= SAMPLES; i++) {
        double x = sample_x(panel, i);
        add_point(out, panel, x, curve_value(curve, x), i == 0);
    }
    text_printf(out, "\"/>\n");
}

/* The chain of straight lines and its break points (the points only while they can be told apart).
 */
static void draw_table(struct text *out, const struct curve *curve, const struct panel *panel)
{
    enum { MOST_MARKS = 80 };
    const struct table *table = curve->table;
    open_path(out, "table", true);
    add_point(out, panel, panel->x_low, curve_applied_value(curve, panel->x_low), true);
    for (int i = 0; i + 1 < table->count; i++) {
        double x = table->pieces[i].to;
        add_point(out, panel, x, curve_applied_value(curve, x), false);
    }
    add_point(out, panel, panel->x_high, curve_applied_value(curve, panel->x_high), false);
    text_printf(out, "\"/>\n");
    for (int i = 0; table->count <= MOST_MARKS && i + 1 < table->count; i++) {
        double x = table->pieces[i].to;
        text_printf(out, "<circle class=\"break\" cx=\"%.2f\" cy=\"%.2f\" r=\"%s\"/>\n",
                    place_x(panel, x), place_y(panel, curve_applied_value(curve, x)),
                    table->count <= MOST_MARKS / 3 ? "3.5" : "2.25");
    }
}

/* The description up to its colon; what follows it goes beside the errors. */
static void draw_title(struct text *out, const struct curve *curve, double x)
{
    struct arena *arena = arena_new();
    const char *title = curve_describe(arena, curve);
    text_printf(out, "<title>%s</title>\n", title);
    text_printf(out, "<text class=\"title\" x=\"%.2f\" y=\"30\">%.*s</text>\n", x,
                (int)strcspn(title, ":"), title);
    arena_free(arena);
}

/* "6 pieces, value within 0.035", above the panel of errors. */
static void draw_caption(struct text *out, const struct curve *curve, const struct panel *panel)
{
    struct arena *arena = arena_new();
    const char *found = strchr(curve_describe(arena, curve), ':');
    text_printf(out, "<text x=\"%.2f\" y=\"%.2f\">distance |table - curve|%s%s</text>\n",
                panel->left, panel->top - 10, found ? found : "",
                curve->table->value_error <= 0 ? ""
                : curve_is_measured(curve)     ? " (dashed: the bound that samples show)"
                                               : " (dashed: the proven bound)");
    arena_free(arena);
}

/* |table - curve| and the bound that holds for it. */
static void draw_errors(struct text *out, const struct curve *curve, const struct panel *above)
{
    const struct table *table = curve->table;
    double bound = table->value_error;
    struct panel panel = *above;
    panel.top = above->top + above->height + 52;
    panel.height = 112;
    panel.y_low = 0;
    panel.y_high = bound > 0 ? 1.3 * bound : 1;
    draw_grid(out, &panel, 4, true);
    open_path(out, "error", false);
    add_point(out, &panel, panel.x_low, 0, true);
    int next = 0; /* break point; the samples alone would cut off the peaks there */
    for (int i = 0; i <= SAMPLES; i++) {
        double x = sample_x(&panel, i);
        for (; next + 1 < table->count && table->pieces[next].to < x; next++) {
            double at = table->pieces[next].to;
            double error = fabs(curve_applied_value(curve, at) - curve_value(curve, at));
            add_point(out, &panel, at, error, false);
        }
        add_point(out, &panel, x, fabs(curve_applied_value(curve, x) - curve_value(curve, x)),
                  false);
    }
    add_point(out, &panel, panel.x_high, 0, false);
    text_printf(out, "Z\"/>\n<path class=\"bound\" d=\"M%.2f %.2fh%.2f\"/>\n", panel.left,
                place_y(&panel, bound), panel.width);
    draw_caption(out, curve, &panel);
}

/* One entry of the legend, a sample of its line and the word; returns where the next one starts. */
static double draw_key(struct text *out, double x, const char *class, const char *label, int width)
{
    text_printf(out, "<path class=\"%s\" d=\"M%.2f 52h28\"/>\n", class, x);
    text_printf(out, "<text x=\"%.2f\" y=\"56\">%s</text>\n", x + 36, label);
    return x + 36 + width;
}

static void draw_legend(struct text *out, const struct curve *curve, double x)
{
    x = draw_key(out, x, "curve", curve_kind_name(curve->kind), 84);
    if (curve->table) {
        text_printf(out, "<circle class=\"break\" cx=\"%.2f\" cy=\"52\" r=\"3.5\"/>\n", x + 14);
        x = draw_key(out, x, "table", "table and its break points", 180);
    }
    if (curve->kind == CURVE_DYNAMIC)
        draw_key(out, x, "reference", "relu", 60);
}

void curve_print_svg(struct text *out, const struct curve *curve)
{
    struct panel panel = {.left = 64, .top = 72, .width = WIDTH - 64 - 24, .height = 330};
    if (!curve->table)
        panel.height += 112 + 52;
    choose_x_range(curve, &panel);
    choose_y_range(curve, &panel);
    text_printf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
                "height=\"%d\" role=\"img\">\n%s",
                WIDTH, HEIGHT, WIDTH, HEIGHT, style);
    text_printf(out,
                "<defs><clipPath id=\"plot\"><rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
                "height=\"%.2f\"/></clipPath></defs>\n",
                panel.left, panel.top, panel.width, panel.height);
    text_printf(out, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", WIDTH, HEIGHT);
    draw_title(out, curve, panel.left);
    draw_legend(out, curve, panel.left);
    draw_grid(out, &panel, 8, true);
    draw_reference(out, curve, &panel);
    draw_curve(out, curve, &panel);
    if (curve->table) {
        draw_table(out, curve, &panel);
        draw_errors(out, curve, &panel);
    }
    text_printf(out, "</svg>\n");
}
