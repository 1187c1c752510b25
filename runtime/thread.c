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

void lathe_begin(struct lathe_team *team)
{
    lathe_flush_denormals();
    own_team = team;
    __atomic_store_n(&team->count, (unsigned)lathe_threads(), __ATOMIC_RELAXED);
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
        if (i < PAUSES)
            pause_briefly();
        else
            sched_yield();
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
