/*
 * serve: one subject in a process of its own, which runs when it is asked.
 *
 * All that the table compares are such processes, ours and the peers', so that they share nothing
 * and can be run by turns. On stdin and stdout, a line each way:
 *
 *                      ready VARIANT ...   once it can run: the ways in which it can
 *     time V N         SECONDS ...         N runs of the V-th variant (from 0), one number, or one
 *                                          for each layer and pass; "none": it cannot do that one
 *     output FILE      ok                  one inference; its output to FILE, as float32
 *     memory           BYTES               the largest resident set that the process has had
 *
 * It ends with its input.
 */
#ifndef BENCH_SERVE_H
#define BENCH_SERVE_H

#include "../../gen/base.h"

/* WORDS: train|infer|layers generated|interpreted SPEC BATCH FOLDER. */
void serve(struct arena *arena, char **words, int count);

/* The largest resident set of this process, in bytes; 0 where the system does not say. */
double peak_memory(void);

#endif
