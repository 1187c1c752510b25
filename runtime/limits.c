/*
 * limits: what the machine can do, measured: multiply-adds from registers, reads of memory.
 *
 * Each is taken several times and the best counts, for others may be at work on the machine.
 */
#include <omp.h>
#include <stdlib.h>

#include "lathe.h"
#include "profile.h"

#if defined(__AVX512F__)
#define LATHE_LANES 16
#elif defined(__AVX__)
#define LATHE_LANES 8
#else
#define LATHE_LANES 4
#endif
#include "vector.h"

enum { CHAINS = 12, RUNS = 5, ROUNDS = 400000 };

static volatile float sink; /* what is written to it has to be computed */

/* ROUNDS multiply-adds in each of as many chains as hide their latency. */
static float run_chains(void)
{
    vf chain[CHAINS], factor = lathe_splat(0.999f), term = lathe_splat(0.1f);
    LATHE_UNROLL(12)
    for (int i = 0; i < CHAINS; i++)
        chain[i] = lathe_splat((float)i);
    for (int round = 0; round < ROUNDS; round++) {
        LATHE_UNROLL(12)
        for (int i = 0; i < CHAINS; i++)
            chain[i] = chain[i] * factor + term;
    }
    vf sum = {0};
    LATHE_UNROLL(12)
    for (int i = 0; i < CHAINS; i++)
        sum += chain[i];
    return sum[0];
}

/* GFLOP/s of all threads together. */
static double run_peak(void)
{
    double start = omp_get_wtime();
#pragma omp parallel
    sink = run_chains();
    double seconds = omp_get_wtime() - start;
    return 2.0 * CHAINS * LATHE_LANES * ROUNDS * omp_get_max_threads() / seconds * 1e-9;
}

/* GB/s of all threads together, reading COUNT vectors, a multiple of 4. */
static double run_reads(const float *memory, size_t count)
{
    double start = omp_get_wtime();
#pragma omp parallel
    {
        vf sum[4] = {{0}};
#pragma omp for nowait
        for (size_t i = 0; i < count; i += 4)
            for (size_t k = 0; k < 4; k++)
                sum[k] += lathe_load(memory + (i + k) * LATHE_LANES);
        sum[0] += sum[1] + sum[2] + sum[3];
        sink = sum[0][0];
    }
    return (double)count * sizeof(vf) / (omp_get_wtime() - start) * 1e-9;
}

struct lathe_limits lathe_measure_limits(void)
{
    const size_t bytes = (size_t)128 << 20;
    struct lathe_limits limits = {.threads = omp_get_max_threads()};
    float *memory = lathe_alloc(bytes, 1);
#pragma omp parallel for
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        memory[i] = 1;
    for (int run = 0; run < RUNS; run++) {
        double peak = run_peak(), reads = run_reads(memory, bytes / sizeof(vf));
        limits.gflops = peak > limits.gflops ? peak : limits.gflops;
        limits.gigabytes = reads > limits.gigabytes ? reads : limits.gigabytes;
    }
    free(memory);
    return limits;
}
