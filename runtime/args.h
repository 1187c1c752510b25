/*
 * Options of the command line: a table says what there is, one call reads argv into it.
 */
#ifndef LATHE_ARGS_H
#define LATHE_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum lathe_option_kind {
    LATHE_OPTION_FLAG,  /* bool: becomes true */
    LATHE_OPTION_WHOLE, /* int64_t */
    LATHE_OPTION_REAL,  /* double */
    LATHE_OPTION_TEXT,  /* const char *, into argv */
    LATHE_OPTION_TEXTS  /* struct lathe_texts: may be given several times */
};

enum { LATHE_TEXTS_MAX = 64 };
struct lathe_texts {
    int count;
    const char *items[LATHE_TEXTS_MAX];
};

struct lathe_option {
    const char *name;     /* "epochs", without dashes */
    const char *argument; /* "N"; NULL for flags */
    const char *help;
    enum lathe_option_kind kind;
    void *value;             /* holds the default beforehand */
    double minimum, maximum; /* of numbers, both included; maximum at most 2^53 */
    bool given;              /* set by lathe_parse_arguments */
};

struct lathe_command {
    const char *about;     /* one line: what the program does */
    const char *arguments; /* "[options] IMAGE...", after the program's name in the usage line */
    const char *examples;  /* lines, each begins with the arguments of one run */
    struct lathe_option *options;
    int option_count;
};

/* Read ARGV by COMMAND's table. "--name value" and "--name=value" are the same; "--" ends the
 * options. What is no option is collected at the front of argv[1..], *REST of them; where REST is
 * NULL there may be none. Returns false when --help was asked for: the page is printed and the
 * program has nothing else to do. Dies with LATHE_USAGE where argv is wrong. */
bool lathe_parse_arguments(const struct lathe_command *command, int argc, char **argv, int *rest);

/* Was the option NAME given? */
bool lathe_option_given(const struct lathe_command *command, const char *name);

/* Print a blank and WORD, as a shell reads it back, to OUT. */
void lathe_print_word(FILE *out, const char *word);

#endif
