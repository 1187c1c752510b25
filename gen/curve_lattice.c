/*
 * curve_lattice: a table as maxima and minima of its pieces' lines, which needs no comparison of x
 * with break points: at a break where the slope grows the larger of two lines counts, where it
 * falls the smaller. Which order of maxima and minima is right on the whole line is searched for
 * (that one exists for every continuous piecewise-linear function, though of more terms perhaps:
 * Tarela, Martinez, "Region configurations for realizability of lattice piecewise-linear models",
 * 1999).
 */
#include "curve_kind.h"

enum { MOST_PIECES = 32 }; /* of a table that is searched */

/* How the pieces [first, last], the outer two going on for ever, are one operation on two parts. */
struct part {
    bool possible, maximum;
    int split; /* the left part's last piece */
    int depth; /* operations one behind the other */
};

struct search {
    const struct table *table;
    struct part parts[MOST_PIECES][MOST_PIECES]; /* by first and last */
};

/* LINE goes on from the break point SIGN of whose infinity END goes to: the sign of END - LINE
 * there. */
static double end_gap(const struct piece *end, const struct piece *line, int sign)
{
    if (end->slope == line->slope)
        return end->intercept - line->intercept;
    return sign * (end->slope - line->slope);
}

/* Left of the break point behind piece K the pieces [FIRST, K] are nowhere below the line of
 * K + 1 (WAY 1) or nowhere above it (WAY -1). */
static bool left_holds(const struct table *table, int first, int k, int way)
{
    const struct piece *pieces = table->pieces, *line = &pieces[k + 1];
    for (int i = first; i < k; i++) {
        double x = pieces[i].to;
        if (way * (piece_value(&pieces[i], x) - piece_value(line, x)) < 0)
            return false;
    }
    return way * end_gap(&pieces[first], line, -1) >= 0;
}

/* The same right of it, of the pieces [K + 1, LAST] and the line of K. */
static bool right_holds(const struct table *table, int k, int last, int way)
{
    const struct piece *pieces = table->pieces, *line = &pieces[k];
    for (int i = k + 2; i <= last; i++) {
        double x = pieces[i].from;
        if (way * (piece_value(&pieces[i], x) - piece_value(line, x)) < 0)
            return false;
    }
    return way * end_gap(&pieces[last], line, 1) >= 0;
}

/* The pieces [FIRST, LAST], whose shorter stretches are known. */
static void find_part(struct search *search, int first, int last)
{
    struct part *part = &search->parts[first][last];
    part->possible = first == last;
    for (int k = first; k < last; k++) {
        const struct part *left = &search->parts[first][k], *right = &search->parts[k + 1][last];
        int depth = 1 + (left->depth > right->depth ? left->depth : right->depth);
        if (!left->possible || !right->possible || (part->possible && part->depth <= depth))
            continue;
        for (int way = -1; way <= 1; way += 2)
            if (left_holds(search->table, first, k, way) &&
                right_holds(search->table, k, last, way))
                *part = (struct part){true, way > 0, k, depth};
    }
}

/* Append to STEPS what makes the pieces [FIRST, LAST], from *COUNT on; the operand that they are.
 */
static int list_steps(const struct search *search, int first, int last, struct lattice_step *steps,
                      int *count)
{
    const struct part *part = &search->parts[first][last];
    if (first == last)
        return first;
    int left = list_steps(search, first, part->split, steps, count);
    int right = list_steps(search, part->split + 1, last, steps, count);
    bool flat = right < search->table->count && search->table->pieces[right].slope == 0;
    steps[*count] = (struct lattice_step){part->maximum, flat ? right : left, flat ? left : right};
    return search->table->count + (*count)++;
}

int table_lattice(struct arena *arena, const struct table *table, struct lattice_step **steps)
{
    int count = 0;
    if (table->count > MOST_PIECES)
        return -1;
    struct search *search = arena_new_of(arena, struct search);
    search->table = table;
    for (int pieces = 1; pieces <= table->count; pieces++)
        for (int first = 0; first + pieces <= table->count; first++)
            find_part(search, first, first + pieces - 1);
    if (!search->parts[0][table->count - 1].possible)
        return -1;
    *steps = arena_array(arena, (size_t)table->count, struct lattice_step);
    list_steps(search, 0, table->count - 1, *steps, &count);
    return count;
}
