/*
 * report_page: the HTML, also sound as XML. All that it needs is in it; light and dark by what the
 * reader prefers, narrow by what the screen has.
 */
#include "report_parts.h"

#include "curve.h"

#include <string.h>

/* Lines have the colours of Okabe and Ito (2008), "Color Universal Design", as sweeps do; lighter
 * in the dark. */
static const char style[] =
    ":root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1b1b19; --soft: #66645f;\n"
    "  --grid: #dedcd4; --card: #ffffff; --best: #fdf3d7;\n"
    "  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #c2619a; --c4: #c98a00; --c5: #56b4e9;\n"
    "  --c6: #6b6963 }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --paper: #161615; --ink: #ecebe5; --soft: #a3a19a; --grid: #3b3936;\n"
    "    --card: #1f1e1d; --best: #3a3117; --c0: #4ba3e3; --c1: #ff8a47; --c2: #35c79a;\n"
    "    --c3: #e48fc0; --c4: #e8b13a; --c5: #8fd0f7; --c6: #9d9b94 }\n"
    "}\n"
    "body { margin: 0; background: var(--paper); color: var(--ink);\n"
    "  font: 16px/1.5 system-ui, sans-serif }\n"
    "main { max-width: 76rem; margin: 0 auto; padding: 1rem clamp(0.75rem, 3vw, 2rem) 4rem }\n"
    "h1 { font-size: 1.7rem; margin: 0.6rem 0 }\n"
    "h2 { font-size: 1.3rem; margin: 2.4rem 0 0.6rem; padding-top: 0.8rem;\n"
    "  border-top: 1px solid var(--grid) }\n"
    "h2 small { color: var(--soft); font-weight: normal; font-size: 0.8em }\n"
    "h3 { font-size: 1.05rem; margin: 1.4rem 0 0.4rem }\n"
    "h1, h2, h3, li, td { overflow-wrap: anywhere }\n"
    "ul { padding-left: 1.2rem; margin: 0.4rem 0 }\n"
    "a { color: var(--c0) }\n"
    "nav a { margin-right: 1rem; display: inline-block }\n"
    ".note { color: var(--soft); font-size: 0.9rem; margin: 0.4rem 0 }\n"
    ".pictures { display: grid; gap: 1rem;\n"
    "  grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)) }\n"
    "figure { margin: 0; padding: 0.6rem; background: var(--card); border: 1px solid var(--grid);\n"
    "  border-radius: 6px; min-width: 0 }\n"
    "figcaption { font-size: 0.9rem; font-weight: 600; overflow-wrap: anywhere }\n"
    "svg { display: block; width: 100%; height: auto; color: var(--ink) }\n"
    "svg text, svg tspan { font-family: system-ui, sans-serif }\n"
    ".wide { overflow-x: auto; margin: 0.6rem 0 }\n"
    "table { border-collapse: collapse; font-size: 0.9rem }\n"
    "th, td { padding: 0.25rem 0.7rem; text-align: left; border-bottom: 1px solid var(--grid) }\n"
    "td { min-width: 2.5rem }\n"
    "th { color: var(--soft); font-weight: 600; white-space: nowrap }\n"
    ".n { font-variant-numeric: tabular-nums; white-space: nowrap }\n"
    ".best td { background: var(--best) }\n"
    ".dot { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 50%;\n"
    "  margin-right: 0.45em }\n"
    ".ring { background: none !important; border: 2px solid var(--c0); width: 0.5em;\n"
    "  height: 0.5em }\n"
    "summary { cursor: pointer; margin: 0.6rem 0 }\n"
    "@media print { body { background: none } figure, tr { break-inside: avoid } }\n";

static void put_dot(struct text *out, int colour, const char *words)
{
    text_printf(out, "<span><i class=\"dot\" style=\"background:var(--c%d)\"></i>%s</span> ",
                colour, words);
}

static void put_pictures(struct text *out, const struct pictures *pictures)
{
    bool open = false;
    for (int i = 0; i < pictures->items.count; i++) {
        const struct picture *picture = &pictures->items.items[i];
        if (!picture->svg)
            continue;
        text_printf(out, "%s<figure><figcaption>", open ? "" : "<div class=\"pictures\">\n");
        open = true;
        put_escaped(out, picture->title);
        text_printf(out, "</figcaption>\n%s</figure>\n", picture->svg);
    }
    if (open)
        text_printf(out, "</div>\n");
}

/* The runs of GROUP: pictures, and a table that is their legend. */
static void put_runs(struct text *out, const struct report_group *group,
                     const struct pictures *pictures)
{
    put_pictures(out, pictures);
    if (pictures->items.count > 0)
        text_printf(out, "<p class=\"note\">Lines: the mean over the seeds; bands: from the lowest "
                         "to the highest.</p>\n");
    put_lines_table(out, group);
}

static void put_curves(struct text *out, struct arena *arena, const struct report_fit *fit,
                       const struct pictures *pictures)
{
    text_printf(out, "<h3>The curve%s that %s found</h3>\n", best_curve_count(fit) == 1 ? "" : "s",
                best_curve_count(fit) == 1 ? "was" : "were");
    put_pictures(out, pictures);
    text_printf(out, "<p class=\"note\">");
    put_dot(out, 0, "the curve");
    put_dot(out, 1, "as a table, tangent(0.1)");
    text_printf(out, "</p>\n");
    for (int i = 0; i < best_curve_count(fit); i++) {
        const struct curve *curve = best_curve(arena, fit, i);
        if (!curve)
            continue;
        text_printf(out, "<details><summary>");
        put_escaped(out, curve_owner(fit, i));
        text_printf(out,
                    ": %d pieces, value within %.4g, slope within %.4g for every x</summary>\n",
                    curve->table->count, curve->table->value_error, curve->table->slope_error);
        put_pieces_table(out, curve);
        text_printf(out, "</details>\n");
    }
}

static void put_fit(struct text *out, struct arena *arena, const struct report_fit *fit,
                    const struct part_pictures *pictures)
{
    if (fit->trials.count > 0) {
        text_printf(out, "<h3>Trials</h3>\n");
        put_pictures(out, &pictures->trials);
        text_printf(out, "<p class=\"note\">");
        put_dot(out, 1, "the best");
        put_dot(out, 0, "trials of as many epochs");
        put_dot(out, 5, "of fewer");
        put_dot(out, 3, "given up");
        text_printf(out, "<span><i class=\"dot ring\"></i>below 0</span>%s</p>\n",
                    isfinite(fit->relu) ? " – dashed: ReLU" : "");
        put_trials_table(out, arena, fit);
    }
    if (fit->best >= 0)
        put_curves(out, arena, fit, &pictures->curves);
    if (fit->judged.runs.count > 0) {
        text_printf(out, "<h3>The judge: ReLU against the curve, from the same seeds</h3>\n");
        put_runs(out, &fit->judged, &pictures->runs);
    }
}

static void put_seen(struct text *out, const struct report_part *part,
                     const struct pictures *pictures)
{
    text_printf(out, "<h3>What each curve sees</h3>\n");
    put_pictures(out, pictures);
    text_printf(out,
                "<p class=\"note\">The density of its inputs, without the outermost 0.1 %% at "
                "each end%s</p>\n",
                part->fit && part->fit->best >= 0 ? "; dashed: where the table's pieces meet."
                                                  : ".");
}

static void put_part(struct text *out, struct arena *arena, const struct report_part *part,
                     const struct part_pictures *pictures)
{
    text_printf(out, "<section id=\"%s\">\n<h2>", part->id);
    put_escaped(out, part->title);
    if (strcmp(part->kind, "runs") != 0)
        text_printf(out, " <small>%s</small>", part->kind);
    text_printf(out, "</h2>\n");
    if (part->group.runs.count > 0)
        put_runs(out, &part->group, &pictures->runs);
    if (part->fit)
        put_fit(out, arena, part->fit, pictures);
    if (part->histograms.nodes.count > 0)
        put_seen(out, part, &pictures->seen);
    if (part->speed) {
        text_printf(out, "<h3>Generated against interpreted</h3>\n");
        put_speed_table(out, part);
    }
    text_printf(out, "</section>\n");
}

static void put_top(struct text *out, const struct report_book *book)
{
    text_printf(out, "<section id=\"summary\">\n");
    for (int i = 0; i < book->parts.count; i++) {
        const struct report_part *part = &book->parts.items[i];
        text_printf(out, "<h3><a href=\"#%s\">", part->id);
        put_escaped(out, part->title);
        text_printf(out, "</a></h3>\n<ul>\n");
        put_summary(out, part);
        text_printf(out, "</ul>\n");
    }
    text_printf(out, "</section>\n");
}

void put_page(struct text *out, const struct report_book *book,
              const struct part_pictures *pictures, const char *lack)
{
    text_printf(out,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                "<title>lathe report</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n"
                "<h1>lathe report</h1>\n",
                style);
    put_top(out, book);
    if (lack) {
        text_printf(out, "<p class=\"note\">There are no pictures: ");
        put_escaped(out, lack);
        text_printf(out, ".</p>\n");
    }
    for (int i = 0; i < book->parts.count; i++)
        put_part(out, book->arena, &book->parts.items[i], &pictures[i]);
    text_printf(out, "<p class=\"note\">Written by lathe " LATHE_VERSION ".</p>\n"
                     "</main>\n</body>\n</html>\n");
}
