/*
 * report: read, draw, write.
 */
#include "report_parts.h"

#include "curve.h"

#include <string.h>

/* The curve of NODE in FIT's best trial, as a table; NULL where there is none. */
static const struct curve *curve_of(struct arena *arena, const struct report_fit *fit,
                                    const char *node)
{
    int count = fit ? best_curve_count(fit) : 0;
    for (int i = 0; i < count; i++)
        if (count == 1 || strcmp(curve_owner(fit, i), node) == 0)
            return best_curve(arena, fit, i);
    return NULL;
}

static void plot_part(struct arena *arena, const struct report_part *part,
                      struct part_pictures *pictures)
{
    const struct report_fit *fit = part->fit;
    plot_group(arena, fit ? &fit->judged : &part->group, &pictures->runs);
    if (fit && fit->trials.count > 0)
        plot_trials(arena, fit, &pictures->trials);
    for (int i = 0; fit && i < best_curve_count(fit); i++) {
        const struct curve *curve = best_curve(arena, fit, i);
        if (curve)
            plot_curve(arena, curve, curve_owner(fit, i), &pictures->curves);
    }
    for (int i = 0; i < part->histograms.nodes.count; i++) {
        const struct node_histogram *node = &part->histograms.nodes.items[i];
        plot_histogram(arena, node, curve_of(arena, fit, node->name), &pictures->seen);
    }
}

/* A list of all pictures; returns how many there are. */
static int list_pictures(struct arena *arena, struct part_pictures *parts, int count,
                         struct picture ***list)
{
    VECTOR(struct picture *) all = {0};
    for (int i = 0; i < count; i++) {
        struct pictures *groups[] = {&parts[i].runs, &parts[i].trials, &parts[i].curves,
                                     &parts[i].seen};
        for (int g = 0; g < 4; g++)
            for (int k = 0; k < groups[g]->items.count; k++)
                vector_push(arena, &all, &groups[g]->items.items[k]);
    }
    *list = all.items;
    return all.count;
}

void report(struct arena *arena, const char *const *folders, int count, const char *output,
            int *pictures, const char **lack)
{
    struct text page = {0};
    struct report_book *book = read_book(arena, folders, count);
    struct part_pictures *parts =
        arena_array(arena, (size_t)book->parts.count, struct part_pictures);
    for (int i = 0; i < book->parts.count; i++)
        plot_part(arena, &book->parts.items[i], &parts[i]);
    struct picture **list;
    *pictures = list_pictures(arena, parts, book->parts.count, &list);
    *lack = draw_pictures(arena, list, *pictures);
    put_page(&page, book, parts, *lack);
    write_file(output, page.data, page.length);
    text_free(&page);
}
