/*
 * curve_pieces: tables as arrays of so many pieces, for programs that read them with the weights.
 */
#include "curve.h"

#include <float.h>
#include <math.h>

void curve_pack_table(const struct table *table, int pieces, float *numbers)
{
    check_bug(table->count >= 1 && table->count <= pieces);
    for (int i = 0; i < pieces; i++) {
        const struct piece *piece = &table->pieces[min_int(i, table->count - 1)];
        numbers[i] = (float)(i < table->count ? fmax(piece->from, -FLT_MAX) : FLT_MAX);
        numbers[pieces + i] = (float)piece->slope;
        numbers[2 * pieces + i] = (float)piece->intercept;
    }
}

/* The minimax table of CURVE within EPS, in ARENA. */
static struct curve within(struct arena *arena, const struct curve *curve, double eps)
{
    struct curve copy = *curve;
    copy.method = TABLE_MINIMAX;
    copy.k = eps;
    copy.max = 0;
    copy.table = NULL;
    curve_tabulate(arena, &copy);
    return copy;
}

void curve_tabulate_pieces(struct arena *arena, struct curve *curve, int pieces)
{
    enum { HALVINGS = 8 };
    const double finest = 0x1p-10;
    double fits = 1, fails = 0;
    struct curve best = within(arena, curve, fits);
    for (; best.table->count > pieces; best = within(arena, curve, fits))
        fails = fits, fits *= 2;
    while (!fails && fits > finest) {
        struct curve finer = within(arena, curve, fits / 2);
        if (finer.table->count > pieces) {
            fails = fits / 2;
        } else {
            best = finer;
            fits /= 2;
        }
    }
    for (int i = 0; i < HALVINGS && fails > 0; i++) {
        double between = sqrt(fits * fails);
        struct curve finer = within(arena, curve, between);
        bool good = finer.table->count <= pieces;
        *(good ? &fits : &fails) = between;
        if (good)
            best = finer;
    }
    *curve = best;
}
