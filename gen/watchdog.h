/*
 * watchdog: bounds of what one spec may take of lathe: processor time and memory. They hold against
 * any code that runs here, Lua's C functions and the passes too: a timer and the kernel's limit of
 * the address space, not counters in what should be bounded.
 * Floor 0 of the generator.
 */
#ifndef LATHE_WATCHDOG_H
#define LATHE_WATCHDOG_H

#include "base.h"

/* What one spec may take, in seconds of processor time and bytes; an honest one takes less than a
 * tenth. The environment may allow more: LATHE_SPEC_SECONDS, LATHE_SPEC_MEGABYTES. */
double spec_seconds(void);
size_t spec_bytes(void);

/*
 * Run BODY(CONTEXT), which works on the spec at PATH and has used *SECONDS of its time before; adds
 * what BODY takes. Where the time is up, the process prints one line and ends (STATUS_USER): BODY
 * writes no files. Where memory is, BODY fails as for want of memory, which becomes a STATUS_USER
 * that names PATH; other failures go on as they are, but the user's without a place, which get
 * PATH. Calls nest; the outer one's bounds hold. Under AddressSanitizer and ThreadSanitizer, which
 * are slow and whose shadows are address space, there are 35 s and no bound of memory.
 */
void run_bounded(const char *path, double *seconds, void (*body)(void *context), void *context);

#endif
