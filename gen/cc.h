/*
 * cc: start the C compiler, or make, through posix_spawn, never through a shell. Floor 3.
 */
#ifndef LATHE_CC_H
#define LATHE_CC_H

#include "base.h"

#include <sys/types.h>

/* Run ARGUMENTS (NULL-terminated, searched in PATH) in FOLDER, its output and errors collected in
 * *output (up to 64 KiB, the rest is thrown away); returns its exit status. Fails (STATUS_USER)
 * where the program cannot be started: "cannot run gcc-13: No such file or directory". */
int run_program(const char *const *arguments, const char *folder, struct text *output);

/* Start ARGUMENTS as run_program does but here, in a process group of its own (so that a terminal's
 * signals reach the caller alone) with no signal blocked, its output and errors in the file OUTPUT,
 * written anew; returns the process's id. program_ended tells when it is over. */
pid_t start_program(const char *const *arguments, const char *output);
/* Is CHILD over? Then its exit status, as run_program's, is in *status. Does not wait. */
bool program_ended(pid_t child, int *status);

#endif
