/*
 * cc: start the C compiler, or make, through posix_spawn, never through a shell. Floor 3.
 */
#ifndef LATHE_CC_H
#define LATHE_CC_H

#include "base.h"

/* Run ARGUMENTS (NULL-terminated, searched in PATH) in FOLDER, its output and errors collected in
 * *output (up to 64 KiB, the rest is thrown away); returns its exit status. Fails (STATUS_USER)
 * where the program cannot be started: "cannot run gcc-13: No such file or directory". */
int run_program(const char *const *arguments, const char *folder, struct text *output);

#endif
