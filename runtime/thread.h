/*
 * What every thread of a parallel region does first, and who it is.
 */
#ifndef LATHE_THREAD_H
#define LATHE_THREAD_H

#ifdef _OPENMP
#include <omp.h>
#endif
#if defined(__SSE__)
#include <xmmintrin.h>
#elif defined(__aarch64__)
#include <stdint.h>
#endif

/* Make the calling thread treat denormal numbers as zero, in operands and in results: they cost a
 * hundred cycles apiece and carry nothing that training needs. Does nothing where there is no such
 * switch. */
static inline void lathe_flush_denormals(void)
{
#if defined(__SSE__)
    enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };
    _mm_setcsr(_mm_getcsr() | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
#elif defined(__aarch64__)
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | UINT64_C(1) << 24));
#endif
}

/* The calling thread's number among those of its parallel region, and how many there are. */
static inline int lathe_thread(void)
{
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}
static inline int lathe_threads(void)
{
#ifdef _OPENMP
    return omp_get_num_threads();
#else
    return 1;
#endif
}

/* How many of COUNT pieces of work a thread of the region takes at a time: neighbours, whose pixels
 * lie one behind the other in memory; few enough that no thread waits long for another. */
static inline int lathe_turn(int count)
{
    int turn = count / (4 * lathe_threads());
    return turn > 4 ? 4 : turn > 1 ? turn : 1;
}

enum { LATHE_PLACED_THREADS = 256 };

/* The threads of a parallel region, which meet where OpenMP's own barriers would let them sleep too
 * soon or spin too long: here a thread that has waited for some microseconds goes on waiting, but
 * leaves its processor to whoever else wants it. If that is another thread of the team, while
 * processors are free that the program may use, it moves to one of those: a kernel that wakes the
 * threads of a short region may put several on one processor and leave them there for a tenth of a
 * second. All zeros to begin with. */
struct lathe_team {
    unsigned count;                      /* threads */
    unsigned there;                      /* of them, that have come to the next meeting */
    unsigned met;                        /* meetings so far */
    int processor[LATHE_PLACED_THREADS]; /* that each of the first threads is on, plus 1 */
};

/* What every thread of a region does first. TEAM is theirs. */
void lathe_begin(struct lathe_team *team);
/* Go on when all threads of the region have come here. They see what each has written before. */
void lathe_meet(void);

/* Let idle threads wait only briefly before they sleep, unless the user has said how they should
 * (OMP_WAIT_POLICY, GOMP_SPINCOUNT): on a processor that others use too, a thread that spins at a
 * barrier takes the time of the one it waits for. libgomp reads its environment once, when it is
 * loaded, so the program starts itself anew with the setting. The first thing in main; ARGV is
 * main's. Does nothing where that cannot be. */
void lathe_wait_briefly(char **argv);

#endif
