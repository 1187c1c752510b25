#define _GNU_SOURCE /* sched_getcpu, sched_setaffinity */
#include "thread.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

static _Thread_local struct lathe_team *own_team;

static void pause_briefly(void)
{
#if defined(__SSE__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#if defined(__linux__)
static void note_processor(struct lathe_team *team)
{
    int thread = lathe_thread();
    if (thread < LATHE_PLACED_THREADS)
        __atomic_store_n(&team->processor[thread], sched_getcpu() + 1, __ATOMIC_RELAXED);
}

/* Leave a processor that another thread of TEAM is on for one that none is on. While it moves it
 * counts as being nowhere: else the other would take it for a neighbour and move, too. A thread
 * that is brought back each time, as where other programs want the processors, tries ever more
 * seldom. */
static void leave_shared_processor(struct lathe_team *team, int count)
{
    enum { MOST_DOUBLINGS = 12 };
    static _Thread_local unsigned moves, waits;
    cpu_set_t allowed, left;
    int own = lathe_thread(), here = sched_getcpu(), shared = 0;
    if (++waits >> (moves < MOST_DOUBLINGS ? moves : MOST_DOUBLINGS) == 0)
        return;
    if (own >= LATHE_PLACED_THREADS || sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    left = allowed;
    for (int i = 0; i < count && i < LATHE_PLACED_THREADS; i++) {
        int processor = __atomic_load_n(&team->processor[i], __ATOMIC_RELAXED) - 1;
        shared += i != own && processor == here;
        if (processor >= 0 && processor < CPU_SETSIZE)
            CPU_CLR((size_t)processor, &left);
    }
    if (shared == 0 || CPU_COUNT(&left) == 0)
        return;
    waits = 0;
    moves++;
    __atomic_store_n(&team->processor[own], 0, __ATOMIC_RELAXED);
    sched_setaffinity(0, sizeof left, &left);
    sched_setaffinity(0, sizeof allowed, &allowed);
    note_processor(team);
}
#else
static void note_processor(struct lathe_team *team)
{
    (void)team;
}
static void leave_shared_processor(struct lathe_team *team, int count)
{
    (void)team, (void)count;
}
#endif

void lathe_begin(struct lathe_team *team)
{
    lathe_flush_denormals();
    own_team = team;
    __atomic_store_n(&team->count, (unsigned)lathe_threads(), __ATOMIC_RELAXED);
    note_processor(team);
}

/* The last to come lets the others go. None of these comes to the next meeting before it has seen
 * that this one is over, so that `there` is 0 by then. */
void lathe_meet(void)
{
    enum { PAUSES = 100 };
    struct lathe_team *team = own_team;
    unsigned count = __atomic_load_n(&team->count, __ATOMIC_RELAXED);
    if (count == 1)
        return;
    unsigned met = __atomic_load_n(&team->met, __ATOMIC_RELAXED);
    if (__atomic_add_fetch(&team->there, 1, __ATOMIC_ACQ_REL) == count) {
        __atomic_store_n(&team->there, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&team->met, met + 1, __ATOMIC_RELEASE);
        return;
    }
    for (int i = 0; __atomic_load_n(&team->met, __ATOMIC_ACQUIRE) == met; i++)
        if (i < PAUSES) {
            pause_briefly();
        } else {
            if (i == PAUSES)
                leave_shared_processor(team, (int)count);
            sched_yield();
        }
}

void lathe_wait_briefly(char **argv)
{
#if defined(__linux__)
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("GOMP_SPINCOUNT", "1000", 0) == 0)
        execv("/proc/self/exe", argv);
#else
    (void)argv;
#endif
}
