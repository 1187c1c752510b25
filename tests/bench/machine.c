/*
 * machine: peak and bandwidth.
 */
#include "machine.h"

#include "../../runtime/lathe.h"
#include "../../runtime/thread.h"

#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
typedef float vector __attribute__((vector_size(LANES * 4)));
enum { CHAINS = 12 };

double now(void)
{
    return omp_get_wtime();
}

/* Whether a thread other than the caller is running or ready to, as the kernel counts them. */
static bool is_busy(void)
{
    long running = 2;
    FILE *load = fopen("/proc/loadavg", "r");
    if (!load || fscanf(load, "%*f %*f %*f %ld", &running) != 1)
        running = 2;
    if (load)
        fclose(load);
    return running > 1;
}

void wait_for_quiet(void)
{
    for (int i = 0; i < 20 && (i < 2 || is_busy()); i++)
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* 12 chains of multiply-adds, enough to hide their latency; the sum keeps them alive. */
static float fma_chains(long rounds)
{
    vector a[CHAINS], factor = (vector){0} + 0.999f, term = (vector){0} + 0.1f;
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++)
        a[i] = (vector){0} + (float)i;
    for (long r = 0; r < rounds; r++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            a[i] = a[i] * factor + term;
    }
    float sum = 0;
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++)
        sum += a[i][0];
    return sum;
}

double measure_peak(void)
{
    enum { PASSES = 3 }; /* the first until each thread has a processor of its own */
    const volatile long rounds = 2000000; /* so that a pass is not taken for the one before */
    static volatile float sink;
    static struct lathe_team team;
    double met[PASSES];
    (void)sink;
#pragma omp parallel
    {
        lathe_begin(&team);
        for (int pass = 0; pass < PASSES; pass++) {
            float sum = fma_chains(rounds);
#pragma omp critical
            sink = sum;
            lathe_meet();
            if (lathe_thread() == 0)
                met[pass] = now();
        }
    }
    double seconds = met[PASSES - 1] - met[0];
    return (PASSES - 1) * 2.0 * CHAINS * LANES * (double)rounds * omp_get_max_threads() / seconds *
           1e-9;
}

static void triad(float *restrict a, const float *restrict b, const float *restrict c,
                  size_t floats)
{
#pragma omp parallel for simd schedule(static)
    for (size_t i = 0; i < floats; i++)
        a[i] = b[i] + 3 * c[i];
}

double measure_bandwidth(void)
{
    enum { PASSES = 4 };
    const size_t floats = 16 << 20;
    static float *a, *b, *c;
    if (!a) {
        a = lathe_alloc(floats, sizeof *a);
        b = lathe_alloc(floats, sizeof *b);
        c = lathe_alloc(floats, sizeof *c);
        triad(b, a, c, floats);
        triad(c, a, b, floats);
        triad(a, b, c, floats);
    }
    double start = now();
    for (int pass = 0; pass < PASSES; pass++)
        triad(a, b, c, floats);
    return PASSES * 3.0 * (double)floats * sizeof *a / (now() - start) * 1e-9;
}
