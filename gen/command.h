/*
 * command: the command line of lathe: which command, its options, and what commands share. Floor 4.
 */
#ifndef LATHE_COMMAND_H
#define LATHE_COMMAND_H

#include "build.h"
#include "curve.h"
#include "fit.h"
#include "histogram.h"
#include "ir.h"
#include "show.h"
#include "spec.h"
#include "sweep.h"
#include "../runtime/args.h"

struct command {
    struct arena *arena;
    const char *spec; /* path; NULL: none was given */
    struct spec_setting *settings;
    int setting_count;
    struct build_options build;
    const char *output; /* -o */
    bool emit_only, json, train;
    const char *svg, *dynamic, *curve, *curves, *data, *histogram;
    double tangent, minimax, weighted, max;
    struct histogram_options counted; /* interpret --histogram */
    struct show_options show;
    int64_t seed, batch, infer_batch, verify_batch, pieces;
    struct sweep_options sweep; /* over, and the numbers that only sweep takes */
    struct fit_options fit;     /* what only fit takes */
    int rest_count; /* interpret: arguments for infer's own parser, the program's name first */
    char **rest;
};

struct command_row {
    const char *name, *arguments, *about;
    int (*run)(struct command *command);
};

/* command_fit.c: the options that only fit takes, into ROWS; returns how many. */
int fit_option_rows(struct command *command, struct lathe_option *rows);
/* What the command line says of a fit. */
struct fit_options command_fit_options(const struct command *command);

/* Find ARGV's command, read its options, run it under protection; returns the exit status. */
int command_run(const struct command_row *rows, int count, int argc, char **argv);

/* The network of the command's SPEC and settings. */
struct network *command_network(struct command *command);

/* -o, or out/NAME. */
const char *command_folder(const struct command *command, const struct network *network);
/* A folder for programs that only this command uses: out/.build/PURPOSE/NAME. */
const char *command_scratch(const struct command *command, const struct network *network,
                            const char *purpose);

/* The curves to tabulate: of --dynamic, or the distinct ones of SPEC, tabulated. Returns how many.
 */
int command_curves(struct command *command, struct curve **curves);

#endif
