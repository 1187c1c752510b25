/*
 * curves: see curves.h.
 */
#include "curves.h"

#include "machine.h"

#if defined(__AVX512F__)
#define LATHE_LANES 16
#elif defined(__AVX2__)
#define LATHE_LANES 8
#else
#define LATHE_LANES 4
#endif
#include "../../runtime/kernel.h"

#include <stdbool.h>
#include <stdio.h>

enum { NUMBERS = 2048, TIMES = 2000, RUNS = 9, MOST_PIECES = 32, FITTED_PIECES = 16, WAYS = 5 };
enum way { LATTICE, COMPARED_VALUE, COMPARED_SLOPE, SEARCHED_VALUE, SEARCHED_SLOPE };
static const char *const way_name[WAYS] = {"lattice", "compared value", "compared slope",
                                           "searched value", "searched slope"};
static const int pieces_of[] = {2, 4, 8, 12, 16, 24, 32};
enum { SIZES = sizeof pieces_of / sizeof *pieces_of };

static float numbers[NUMBERS] __attribute__((aligned(64)));
static float results[NUMBERS] __attribute__((aligned(64)));
static float table[3 * MOST_PIECES] __attribute__((aligned(64)));

/* ---- the ways ---- */

LATHE_INLINE vf by_lattice(vf x, const float *rows, const int pieces)
{
    vf y = x * rows[pieces] + rows[2 * pieces];
#pragma GCC unroll 32
    for (int i = 1; i < pieces; i++) {
        const vf line = x * rows[pieces + i] + rows[2 * pieces + i];
        y = i % 2 ? lathe_max(y, line) : lathe_min(y, line);
    }
    return y;
}

LATHE_INLINE vf compared_value(vf x, const float *rows, const int pieces)
{
    vf slope = lathe_splat(rows[pieces]), intercept = lathe_splat(rows[2 * pieces]);
#pragma GCC unroll 32
    for (int i = 1; i < pieces; i++) {
        const vf from = lathe_splat(rows[i]);
        slope = lathe_select_above(x, from, lathe_splat(rows[pieces + i]), slope);
        intercept = lathe_select_above(x, from, lathe_splat(rows[2 * pieces + i]), intercept);
    }
    return slope * x + intercept;
}

LATHE_INLINE vf compared_slope(vf x, const float *rows, const int pieces)
{
    vf slope = lathe_splat(rows[pieces]);
#pragma GCC unroll 32
    for (int i = 1; i < pieces; i++)
        slope = lathe_select_above(x, lathe_splat(rows[i]), lathe_splat(rows[pieces + i]), slope);
    return slope;
}

/* The rows are as long as registers. */
LATHE_INLINE vf searched_value(vf x, const float *rows, const int pieces)
{
    return lathe_table(x, rows, pieces <= LATHE_LANES ? LATHE_LANES : 2 * LATHE_LANES);
}
LATHE_INLINE vf searched_slope(vf x, const float *rows, const int pieces)
{
    return lathe_table_slope(x, rows, pieces <= LATHE_LANES ? LATHE_LANES : 2 * LATHE_LANES);
}

/* All numbers by one way, the number of pieces known to the compiler, as in generated kernels. */
#define ALL_BY(find, pieces)                                                                       \
    for (int i = 0; i < NUMBERS; i += LATHE_LANES)                                                 \
        lathe_store(results + i, find(lathe_load(numbers + i), table, pieces));                    \
    break;
#define RUN(find)                                                                                  \
    static __attribute__((noinline)) void run_##find(int pieces)                                   \
    {                                                                                              \
        switch (pieces) {                                                                          \
        case 2:                                                                                    \
            ALL_BY(find, 2)                                                                        \
        case 4:                                                                                    \
            ALL_BY(find, 4)                                                                        \
        case 8:                                                                                    \
            ALL_BY(find, 8)                                                                        \
        case 12:                                                                                   \
            ALL_BY(find, 12)                                                                       \
        case 16:                                                                                   \
            ALL_BY(find, 16)                                                                       \
        case 24:                                                                                   \
            ALL_BY(find, 24)                                                                       \
        case 32:                                                                                   \
            ALL_BY(find, 32)                                                                       \
        }                                                                                          \
    }
RUN(by_lattice)
RUN(compared_value)
RUN(compared_slope)
RUN(searched_value)
RUN(searched_slope)
static void (*const run_by[WAYS])(int pieces) = {
    run_by_lattice, run_compared_value, run_compared_slope, run_searched_value, run_searched_slope};

/* ---- times ---- */

static bool is_searched(enum way way)
{
    return way == SEARCHED_VALUE || way == SEARCHED_SLOPE;
}

/* Registers that a row fills; 0: it cannot be searched. */
static int registers_of(int pieces)
{
    int registers = (pieces + LATHE_LANES - 1) / LATHE_LANES;
    return LATHE_SEARCHES(registers * LATHE_LANES) ? registers : 0;
}

static void fill(void)
{
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = (float)(i * 37 % 101) / 10 - 5;
    for (int i = 0; i < 3 * MOST_PIECES; i++)
        table[i] = (float)(i % MOST_PIECES) / 4 - 4;
}

/* Nanoseconds a vector. */
static double time_of(enum way way, int pieces)
{
    double began = now();
    for (int i = 0; i < TIMES; i++)
        run_by[way](pieces);
    return (now() - began) * 1e9 / TIMES * LATHE_LANES / NUMBERS;
}

/* The least sum of squares of cost * pieces - time, up to where a search is faster anyway. */
static double cost_of_piece(const double *times)
{
    double products = 0, squares = 0;
    for (int s = 0; s < SIZES && pieces_of[s] <= FITTED_PIECES; s++) {
        products += times[s] * pieces_of[s];
        squares += (double)pieces_of[s] * pieces_of[s];
    }
    return products / squares;
}

/* The mean of those whose rows fill REGISTERS. */
static double cost_of_search(const double *times, int registers)
{
    double sum = 0;
    int count = 0;
    for (int s = 0; s < SIZES; s++)
        if (registers_of(pieces_of[s]) == registers) {
            sum += times[s];
            count++;
        }
    return count > 0 ? sum / count : 0;
}

void bench_curves(void)
{
    double seconds[WAYS][SIZES][RUNS], times[WAYS][SIZES] = {0};
    fill();
    for (int run = 0; run < RUNS; run++)
        for (int s = 0; s < SIZES; s++)
            for (int way = 0; way < WAYS; way++)
                if (!is_searched(way) || registers_of(pieces_of[s]) > 0)
                    seconds[way][s][run] = time_of(way, pieces_of[s]);
    printf("%d lanes, ns a vector\n%-16s", LATHE_LANES, "pieces");
    for (int s = 0; s < SIZES; s++)
        printf("%8d", pieces_of[s]);
    for (int way = 0; way < WAYS; way++) {
        printf("\n%-16s", way_name[way]);
        for (int s = 0; s < SIZES; s++)
            if (!is_searched(way) || registers_of(pieces_of[s]) > 0)
                printf("%8.2f", times[way][s] = median(seconds[way][s], RUNS));
            else
                printf("%8s", "-");
    }
    printf("\n{%d, %.2f, %.2f, %.2f, {%.1f, %.1f}, {%.1f, %.1f}},\n", LATHE_LANES,
           cost_of_piece(times[LATTICE]), cost_of_piece(times[COMPARED_VALUE]),
           cost_of_piece(times[COMPARED_SLOPE]), cost_of_search(times[SEARCHED_VALUE], 1),
           cost_of_search(times[SEARCHED_VALUE], 2), cost_of_search(times[SEARCHED_SLOPE], 1),
           cost_of_search(times[SEARCHED_SLOPE], 2));
}
