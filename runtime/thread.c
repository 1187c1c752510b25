#include "thread.h"

#include <stdlib.h>
#include <unistd.h>

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
