#include "profile.h"

#include <omp.h>

double lathe_profile_seconds[LATHE_PROFILE_CALLS];

void lathe_mark(int call)
{
    static double last; /* of the first thread alone */
    if (omp_get_thread_num() != 0)
        return;
    double now = omp_get_wtime();
    if (call >= 0 && call < LATHE_PROFILE_CALLS)
        lathe_profile_seconds[call] += now - last;
    last = now;
}
