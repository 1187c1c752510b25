/* watchdog: see watchdog.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* setitimer, setrlimit */
#endif

#include "watchdog.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHADOWED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOWED 1
#endif
#ifndef SHADOWED
#define SHADOWED 0
#endif

/* The whole process is to stay below 2 s and 256 MiB: a rest is for starting it. */
static const double default_seconds = SHADOWED ? 35 : 1.75; /* sanitizers are slow, too */
enum { DEFAULT_MEGABYTES = 224 };

/* The number above 0 that the environment has for NAME, or OTHERWISE. */
static double from_environment(const char *name, double otherwise)
{
    const char *text = getenv(name);
    char *end = NULL;
    double number = text ? strtod(text, &end) : 0;
    return text && end != text && !*end && number > 0 && number < 1e9 ? number : otherwise;
}

double spec_seconds(void)
{
    return from_environment("LATHE_SPEC_SECONDS", default_seconds);
}

size_t spec_bytes(void)
{
    return (size_t)from_environment("LATHE_SPEC_MEGABYTES", DEFAULT_MEGABYTES) << 20;
}

/* ---- time ---- */

static char last_line[1280]; /* what is printed where time is up, made beforehand */
static volatile size_t last_length;

/* The timer's signal: only what a signal's handler may call. */
static void time_is_up(int signal)
{
    (void)signal;
    ssize_t written = write(STDERR_FILENO, last_line, last_length);
    (void)written;
    _exit(STATUS_USER);
}

static void write_last_line(const char *path, double seconds)
{
    size_t size = sizeof last_line - 1;
    int length = snprintf(last_line, size,
                          "%s: this spec takes more than %.3g s (LATHE_SPEC_SECONDS=%.0f allows "
                          "more)",
                          path, seconds, ceil(10 * seconds));
    last_length = length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
    for (size_t i = 0; i < last_length; i++)
        if ((unsigned char)last_line[i] < ' ')
            last_line[i] = ' ';
    last_line[last_length++] = '\n';
}

/* Let the timer ring after SECONDS of processor time; 0: never. */
static void set_timer(double seconds)
{
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds}};
    timer.it_value.tv_usec = (suseconds_t)((seconds - floor(seconds)) * 1e6);
    if (seconds > 0 && timer.it_value.tv_sec == 0 && timer.it_value.tv_usec == 0)
        timer.it_value.tv_usec = 1;
    setitimer(ITIMER_PROF, &timer, NULL);
}

/* ---- memory ---- */

/* Pages of address space, and of those the pages in memory; false where the system does not say. */
static bool pages_now(size_t *space, size_t *resident)
{
    FILE *file = fopen("/proc/self/statm", "r");
    bool read = file && fscanf(file, "%zu %zu", space, resident) == 2;
    if (file)
        fclose(file);
    return read;
}

/* Lower the soft limit of the address space so that BYTES can be in memory at most; *BEFORE: what
 * it was. False where it was left alone. */
static bool bound_memory(size_t bytes, struct rlimit *before)
{
    size_t space, resident, page = (size_t)sysconf(_SC_PAGESIZE);
    if (SHADOWED || getrlimit(RLIMIT_AS, before) < 0 || !pages_now(&space, &resident))
        return false;
    size_t more = bytes > resident * page ? bytes - resident * page : 0;
    struct rlimit now = *before;
    rlim_t wanted = (rlim_t)(space * page + more);
    if (now.rlim_cur != RLIM_INFINITY && now.rlim_cur <= wanted)
        return false;
    now.rlim_cur = wanted;
    return setrlimit(RLIMIT_AS, &now) == 0;
}

/* ---- both ---- */

static bool running; /* a call of run_bounded */

static double seconds_since(clock_t start)
{
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

void run_bounded(const char *path, double *seconds, void (*body)(void *context), void *context)
{
    if (running) {
        body(context);
        return;
    }
    struct rlimit before;
    struct sigaction action = {.sa_handler = time_is_up}, old_action;
    struct failure failure;
    clock_t start = clock();
    bool bounded = bound_memory(spec_bytes(), &before);
    running = true;
    write_last_line(path, spec_seconds());
    sigaction(SIGPROF, &action, &old_action);
    set_timer(fmax(spec_seconds() - *seconds, 1e-6));
    enum status status = protected_call(body, context, &failure);
    set_timer(0);
    sigaction(SIGPROF, &old_action, NULL);
    running = false;
    if (bounded)
        setrlimit(RLIMIT_AS, &before);
    *seconds += seconds_since(start);
    if (status == STATUS_RESOURCE && strstr(failure.message, "out of memory"))
        fail_at(STATUS_USER, (struct where){path, 0},
                "this spec takes more than %zu MB (LATHE_SPEC_MEGABYTES=%zu allows more)",
                spec_bytes() >> 20, 10 * (spec_bytes() >> 20));
    if (status != STATUS_DONE)
        fail_again(&failure,
                   (struct where){
                       status == STATUS_USER && !strstr(failure.message, path) ? path : NULL, 0});
}
