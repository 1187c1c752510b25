/*
 * curve_pieces: tables as arrays of so many pieces, for programs that read them with the weights.
 */
#include "curve_kind.h"

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

/* CURVE in closed form as one that is to be a minimax table within EPS. */
static struct curve within(const struct curve *curve, double eps)
{
    struct curve copy = *curve;
    copy.method = TABLE_MINIMAX;
    copy.k = eps;
    copy.max = 0;
    copy.table = NULL;
    return copy;
}

static bool has_room(const struct curve *curve, double eps, int pieces)
{
    struct curve table = within(curve, eps);
    return minimax_count(&table) <= pieces;
}

/* The least eps to 2 %, from FINEST on, whose table of CURVE has at most PIECES. */
static double least_eps(const struct curve *curve, int pieces)
{
    enum { HALVINGS = 8 };
    const double finest = 0x1p-10;
    double fits = 1, fails = 0;
    for (; !has_room(curve, fits, pieces); fits *= 2)
        fails = fits;
    while (!fails && fits > finest)
        *(has_room(curve, fits / 2, pieces) ? &fits : &fails) = fits / 2;
    for (int i = 0; i < HALVINGS && fails > 0; i++) {
        double between = sqrt(fits * fails);
        *(has_room(curve, between, pieces) ? &fits : &fails) = between;
    }
    return fits;
}

void curve_tabulate_pieces(struct arena *arena, struct curve *curve, int pieces)
{
    double eps = least_eps(curve, pieces);
    struct curve best;
    do { /* once; twice where digits of floats cost a piece that was not counted */
        best = within(curve, eps);
        curve_tabulate(arena, &best);
        eps *= 1.01;
    } while (best.table->count > pieces);
    *curve = best;
}
