/*
 * Time a call of a kernel, with --profile, and what of the machine's limits it reached; or look for
 * the first number that is not finite.
 */
#ifndef LATHE_PROFILE_H
#define LATHE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One call of a kernel: what it is and what it costs. Bytes are those of its operands, each once:
 * what a cache that holds all of a call would still move. */
struct lathe_cost {
    const char *group, *label; /* "residual1.conv2", "backward data" */
    double flops, bytes;       /* a sample */
    double fixed_bytes;        /* a call: weights, sums over the batch */
    bool winograd;             /* by Winograd's F(4, 3): rounding may be 4 times a direct sum's */
};

struct lathe_spent {
    double seconds;
    uint64_t calls, samples;
};

/* Memory that the call CALL writes: FLOATS, and IMAGE more for each SAMPLES, AT floats from the
 * arena's start. */
struct lathe_write {
    int call;
    size_t at, floats, image;
    int samples;
};

/* The calls of one program in their order, and the time spent on each. */
struct lathe_profile {
    const struct lathe_cost *costs;
    int count;
    struct lathe_spent *spent;        /* parallel to costs */
    double last;                      /* time of the last mark */
    const struct lathe_write *writes; /* in the order of the calls; NULL: not known */
    int write_count;
    const float *watched; /* the arena, where marks look at what was written; else NULL */
    int bad_call;         /* the first that wrote a number that is not finite; -1: none */
};

/* Whether marks are taken. Set before the first call, if at all. */
extern bool lathe_profiling;

/* The time since the mark before belongs to call CALL of PROFILE, with SAMPLES samples; -1: to
 * none. Of the team's threads the first alone notes it. */
void lathe_take_mark(struct lathe_profile *profile, int call, int samples);

/* The same where marks are taken; every thread of a team comes here after a call's barrier. */
static inline void lathe_mark(struct lathe_profile *profile, int call, int samples)
{
    if (__builtin_expect(lathe_profiling, 0))
        lathe_take_mark(profile, call, samples);
}

/* What this machine can do with the threads that OpenMP gives: GFLOP/s of multiply-adds from
 * registers, GB/s of reading memory. Takes about a third of a second and 128 MB. */
struct lathe_limits {
    int threads;
    double gflops, gigabytes;
};
struct lathe_limits lathe_measure_limits(void);

/* From here on marks of PROFILE, in a team of one thread, look at what was written to ARENA, which
 * holds no number that is not finite. */
void lathe_begin_watching(struct lathe_profile *profile, const float *arena);

/* Measure the limits, then take marks from here on. */
struct lathe_limits lathe_begin_profile(void);

/* Print to stderr a table of PROFILE under TITLE, calls of one group and label in one line: calls,
 * time, its share, GFLOP/s, GB/s, and the share of LIMITS: the time that flops or bytes, whichever
 * takes longer, need at the limits, against the time it took. More than 100 % of memory's limit
 * means that a cache held some of the bytes. Prints nothing where nothing was called. */
void lathe_print_profile(const char *title, const struct lathe_profile *profile,
                         const struct lathe_limits *limits);

#endif
