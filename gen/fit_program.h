/*
 * fit_program: the programs of a search, the files of weights that they begin with and leave, and
 * their command lines. Inside room `fit`.
 */
#ifndef LATHE_FIT_PROGRAM_H
#define LATHE_FIT_PROGRAM_H

#include "fit_parts.h"

/* The name of PROGRAM's folder below WORK/builds. */
const char *fit_program_folder(const struct fit_search *search, enum fit_program program);
/* The path of the train program in the folder NAME, as a command that is not looked for in PATH. */
const char *fit_program_path(const struct fit_search *search, const char *name);

/* Write the weights that TRIAL begins with: the tables of its curves, or their L, Q and I, and
 * where it goes on from another trial what that one left. Returns the path. */
const char *fit_write_start(const struct fit_search *search, const struct trial *trial);
/* The curves that TRIAL, which is over, learned: search.curves of them. */
struct fit_point *fit_read_found(const struct fit_search *search, const struct trial *trial);

/* A command line that grows. */
struct fit_command {
    struct arena *arena;
    VECTOR(const char *) words;
};
/* Add the words up to a NULL. */
void fit_add_words(struct fit_command *command, ...) __attribute__((sentinel));
/* Add NAME and NUMBER, where it is not 0. */
void fit_add_number(struct fit_command *command, const char *name, int64_t number);
/* All words, NULL-terminated. */
const char *const *fit_words(struct fit_command *command);

#endif
