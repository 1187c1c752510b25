/*
 * fuzz: what the fuzz targets share. A target, fuzz_NAME.c, is one function, fuzz_parse, that hands
 * bytes to a parser; libFuzzer calls it with millions of inputs in one process.
 *
 * Where a parser gives up, by lathe_die or fail, the program would end and the system take back
 * what it had. Here the harness does that: the memory of this run is freed, its descriptors are
 * closed. What a run that succeeds leaves behind is a leak.
 */
#ifndef LATHE_FUZZ_H
#define LATHE_FUZZ_H

#include <stdint.h>

#include "../../gen/base.h"

/* The target: COUNT bytes to its parser. May give up. */
void fuzz_parse(const uint8_t *bytes, size_t count);

/* What a target does once, before all runs; may be left out. */
void fuzz_set_up(void);

/* A folder in memory that is the target's own. */
const char *fuzz_folder(void);
/* The path of NAME in it. NAME is a constant, and eight are good at a time. */
const char *fuzz_path(const char *name);
/* COUNT bytes as the file NAME in it. */
void fuzz_put(const char *name, const void *bytes, size_t count);
void fuzz_put_text(const char *name, const char *text);

/* Take a byte off the input for a choice of the target's, 0 .. CHOICES - 1 for '0' and on; 0 where
 * there is none. */
unsigned fuzz_choose(const uint8_t **bytes, size_t *count, unsigned choices);

/* Something that no input may cause. */
#define fuzz_claim(condition) check_bug(condition)

#endif
