/*
 * command: the command line of lathe.
 */
#include "command.h"
#include "passes.h"
#include "watchdog.h"
#include "../runtime/args.h"
#include "../runtime/evaluate.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

/* The value of the option NAME ("--set"), which may be given more than once, at argv[*AT], or NULL;
 * *AT moves to the last word it takes. */
static const char *take_repeated(const char *name, int argc, char **argv, int *at)
{
    size_t length = strlen(name);
    if (strncmp(argv[*at], name, length) != 0)
        return NULL;
    if (argv[*at][length] == '=')
        return argv[*at] + length + 1;
    if (argv[*at][length] != '\0')
        return NULL;
    if (*at + 1 == argc)
        fail(STATUS_USAGE, "%s needs KEY=VALUE", name);
    return argv[++*at];
}

/* Take "--over KEY=A,B" of sweep out of argv. */
static int take_over(struct command *c, int argc, char **argv)
{
    int kept = 0;
    const char **over = arena_array(c->arena, (size_t)argc, const char *);
    for (int i = 0; i < argc; i++) {
        const char *text = take_repeated("--over", argc, argv, &i);
        if (text)
            over[c->sweep.over_count++] = text;
        else
            argv[kept++] = argv[i];
    }
    c->sweep.over = over;
    return kept;
}

/* Take "--set K=V", "-o DIR" and their kind out of argv before the option table sees it. */
static int take_settings(struct command *c, int argc, char **argv)
{
    int kept = 0;
    c->settings = arena_array(c->arena, (size_t)argc, struct spec_setting);
    for (int i = 0; i < argc; i++) {
        const char *text = take_repeated("--set", argc, argv, &i);
        if (!text) {
            argv[kept++] = strcmp(argv[i], "-o") == 0 ? "--output" : argv[i];
            continue;
        }
        char *key = arena_copy(c->arena, text), *equals = strchr(key, '=');
        if (!equals || equals == key)
            fail(STATUS_USAGE, "--set needs KEY=VALUE, given '%s'", text);
        *equals = '\0';
        c->settings[c->setting_count++] = (struct spec_setting){key, equals + 1};
    }
    return kept;
}

enum { OPTIONS_MAX = 40 };

struct option_set {
    struct lathe_option rows[OPTIONS_MAX];
    int count;
};

static void add(struct option_set *set, const char *name, const char *argument, const char *help,
                enum lathe_option_kind kind, void *value, double minimum, double maximum)
{
    check_bug(set->count < OPTIONS_MAX);
    set->rows[set->count++] =
        (struct lathe_option){name, argument, help, kind, value, minimum, maximum, false};
}

static void add_build_options(struct option_set *set, struct command *c, const char **isa)
{
    add(set, "isa", "ISA", "native (default), avx512, avx2, neon or portable", LATHE_OPTION_TEXT,
        isa, 0, 0);
    add(set, "cc", "CC", "the C compiler (default cc)", LATHE_OPTION_TEXT, &c->build.cc, 0, 0);
    add(set, "batch", "N", "samples of a training step (default: the spec's)", LATHE_OPTION_WHOLE,
        &c->batch, 1, 65536);
    add(set, "infer-batch", "N", "samples a call of infer takes at most", LATHE_OPTION_WHOLE,
        &c->infer_batch, 1, 65536);
}

/* --over and --set are taken before: they are here for the help. */
static void add_sweep_options(struct option_set *set, struct command *c)
{
    struct sweep_options *o = &c->sweep;
    static const char *taken;
    add(set, "over", "KEY=A,B,...",
        "what to try, in all combinations: an option of the spec, or\n"
        "                             seed, epochs, batch, or a field of train's --recipe",
        LATHE_OPTION_TEXT, &taken, 0, 0);
    add(set, "set", "KEY=VALUE", "an option of the spec, for all runs", LATHE_OPTION_TEXT, &taken,
        0, 0);
    add(set, "seeds", "N", "run each combination with seeds 1 to N (default 1)", LATHE_OPTION_WHOLE,
        &o->seeds, 1, 1000000);
    add(set, "output", "DIR", "-o: builds, runs and results (default out/NAME-sweep)",
        LATHE_OPTION_TEXT, &c->output, 0, 0);
    add(set, "data", "DIR", "folder with the data set's files", LATHE_OPTION_TEXT, &c->data, 0, 0);
    add(set, "epochs", "N", "times through the training set (default: the spec's)",
        LATHE_OPTION_WHOLE, &o->epochs, 1, 1000000);
    add(set, "limit-train", "N", "use the first N training samples", LATHE_OPTION_WHOLE,
        &o->limit_train, 1, INT32_MAX);
    add(set, "limit-test", "N", "use the first N test samples", LATHE_OPTION_WHOLE, &o->limit_test,
        1, INT32_MAX);
    add(set, "threads", "N", "threads of a run", LATHE_OPTION_WHOLE, &o->threads, 1, 1024);
    add(set, "jobs", "N", "runs at a time, which share the cores", LATHE_OPTION_WHOLE, &o->jobs, 1,
        256);
}

static void add_show_options(struct option_set *set, struct show_options *show)
{
    add(set, "json", NULL, "for machines", LATHE_OPTION_FLAG, &show->json, 0, 0);
    add(set, "dot", NULL, "the graph for Graphviz", LATHE_OPTION_FLAG, &show->dot, 0, 0);
    add(set, "peak", "GFLOPS", "predict for a machine of this speed", LATHE_OPTION_REAL,
        &show->peak, 1e-3, 1e9);
    add(set, "bandwidth", "GB", "and that reads so much memory a second", LATHE_OPTION_REAL,
        &show->bandwidth, 1e-3, 1e9);
}

static void add_options(struct option_set *set, struct command *c, const char *name,
                        const char **isa)
{
    bool table = strcmp(name, "table") == 0, build = strcmp(name, "build") == 0;
    if (strcmp(name, "report") == 0) {
        add(set, "output", "FILE.html", "-o: the page to write", LATHE_OPTION_TEXT, &c->output, 0,
            0);
        return;
    }
    if (!table)
        add_build_options(set, c, isa);
    if (strcmp(name, "sweep") == 0)
        add_sweep_options(set, c);
    if (strcmp(name, "fit") == 0)
        set->count += fit_option_rows(c, set->rows + set->count);
    if (build) {
        add(set, "output", "DIR", "-o: folder to write (default out/NAME)", LATHE_OPTION_TEXT,
            &c->output, 0, 0);
        add(set, "emit-only", NULL, "write the C, compile nothing", LATHE_OPTION_FLAG,
            &c->emit_only, 0, 0);
        add(set, "weights", "FILE", "embed these weights into infer", LATHE_OPTION_TEXT,
            &c->build.weights, 0, 0);
        add(set, "dump", "PASSES", "print the graph after shape, curves, grad, fuse, plan",
            LATHE_OPTION_TEXT, &c->build.dump, 0, 0);
        add(set, "curves", "WHAT",
            "Dynamic curves from the weights: tables (not trained), learned (L, Q, I\n"
            "                             are trained), tied (the same, all nodes alike)",
            LATHE_OPTION_TEXT, &c->curves, 0, 0);
        add(set, "pieces", "N", "room in tables of --curves tables (default 16)",
            LATHE_OPTION_WHOLE, &c->pieces, 2, PIECES_MOST);
    }
    if (table) {
        add(set, "dynamic", "L=..,Q=..,I=..", "a Dynamic curve (P=2, Z=10 unless given)",
            LATHE_OPTION_TEXT, &c->dynamic, 0, 0);
        add(set, "curve", "WORD,..", "any curve: gelu; elu,a=2", LATHE_OPTION_TEXT, &c->curve, 0,
            0);
        add(set, "tangent", "K", "a table by a corridor of this half-width", LATHE_OPTION_REAL,
            &c->tangent, 0, 1e9);
        add(set, "minimax", "E", "a table of the fewest pieces within E", LATHE_OPTION_REAL,
            &c->minimax, 0, 1e9);
        add(set, "weighted", "E",
            "a table of the fewest pieces, within E in the root mean square under a histogram",
            LATHE_OPTION_REAL, &c->weighted, 0, 1e9);
        add(set, "histogram", "FILE",
            "what `lathe interpret --histogram` wrote: of each curve of SPEC, or all together",
            LATHE_OPTION_TEXT, &c->histogram, 0, 0);
        add(set, "max", "X", "where break points end (default: chosen)", LATHE_OPTION_REAL, &c->max,
            0, 1e9);
        add(set, "svg", "FILE", "draw it", LATHE_OPTION_TEXT, &c->svg, 0, 0);
    }
    if (table || strcmp(name, "compare") == 0)
        add(set, "json", NULL, "for machines", LATHE_OPTION_FLAG, &c->json, 0, 0);
    if (strcmp(name, "show") == 0)
        add_show_options(set, &c->show);
    if (strcmp(name, "compare") == 0) {
        add(set, "train", NULL, "a training step instead of inference", LATHE_OPTION_FLAG,
            &c->train, 0, 0);
        add(set, "data", "DIR", "real images instead of random ones", LATHE_OPTION_TEXT, &c->data,
            0, 0);
    }
    if (strcmp(name, "verify") == 0) {
        add(set, "seed", "N", "of weights and data", LATHE_OPTION_WHOLE, &c->seed, 0, 1e15);
        add(set, "samples", "N", "batch to verify with", LATHE_OPTION_WHOLE, &c->verify_batch, 1,
            1024);
    }
}

/* Is --histogram among interpret's words? */
static bool asks_histogram(const struct command *c)
{
    for (int i = 1; i < c->rest_count; i++)
        if (strncmp(c->rest[i], "--histogram", 11) == 0)
            return true;
    return false;
}

/* interpret --histogram: options of its own. */
static void read_histogram_options(struct command *c, bool *done)
{
    struct option_set set = {0};
    struct histogram_options *o = &c->counted;
    static int64_t limit, threads;
    const char *split = "train", *bad = NULL;
    limit = 2000;
    add(&set, "histogram", "FILE.json", "write how often each number is seen, curve by curve",
        LATHE_OPTION_TEXT, &c->histogram, 0, 0);
    add(&set, "weights", "FILE", "what train --save wrote", LATHE_OPTION_TEXT, &o->weights, 0, 0);
    add(&set, "data", "DIR", "folder with the data set's files", LATHE_OPTION_TEXT, &o->data, 0, 0);
    add(&set, "split", "train|test", "which part of the data [train]", LATHE_OPTION_TEXT, &split, 0,
        0);
    add(&set, "limit", "N", "the first N samples [2000]", LATHE_OPTION_WHOLE, &limit, 1, INT32_MAX);
    add(&set, "on-bad-file", "stop|skip",
        "images that cannot be read: stop, or leave them out [stop]", LATHE_OPTION_TEXT, &bad, 0,
        0);
    add(&set, "threads", "N", "threads; else OMP_NUM_THREADS, else all cores", LATHE_OPTION_WHOLE,
        &threads, 1, 1024);
    struct lathe_command command = {
        .about = "Count what each curve sees, as infer runs: for weighted tables and reports.",
        .arguments = "--histogram FILE.json --weights FILE --data DIR [options]",
        .examples = "--histogram histogram.json --weights lenet5.safetensors --data data\n",
        .options = set.rows,
        .option_count = set.count,
    };
    for (int i = 1; i < c->rest_count; i++) /* --histogram --help */
        *done |= strcmp(c->rest[i], "--help") == 0;
    if (*done)
        c->rest[1] = "--help";
    lathe_parse_arguments(&command, *done ? 2 : c->rest_count, c->rest, NULL);
    if (*done)
        return;
    if (strcmp(split, "train") != 0 && strcmp(split, "test") != 0)
        fail(STATUS_USAGE, "--split: expected train or test, given '%s'", split);
    if (!o->weights)
        fail(STATUS_USAGE, "--weights FILE is needed: what train --save wrote");
    o->test = strcmp(split, "test") == 0;
    o->skip_bad = lathe_skips_bad_files(bad);
    o->limit = (int)limit;
    if (threads)
        omp_set_num_threads((int)threads);
}

/* interpret: keep what its infer program parses; take SPEC out. *done: only help was asked for. */
static void split_interpret(struct command *c, int argc, char **argv, bool *done)
{
    c->rest = arena_array(c->arena, (size_t)argc + 1, char *);
    c->rest[c->rest_count++] = "lathe interpret SPEC";
    for (int i = 1; i < argc; i++) {
        size_t length = strlen(argv[i]);
        if (!c->spec && length > 4 && strcmp(argv[i] + length - 4, ".lua") == 0)
            c->spec = argv[i];
        else
            c->rest[c->rest_count++] = argv[i];
    }
    *done = !c->spec && c->rest_count > 1 && strcmp(c->rest[1], "--help") == 0;
    if (*done)
        puts("usage: lathe interpret SPEC --weights FILE --data DIR [--histogram FILE.json]\n\n"
             "what infer does, node by node; lathe interpret SPEC --help lists infer's options,\n"
             "lathe interpret SPEC --histogram --help those of counting what each curve sees");
    else if (!c->spec)
        fail(STATUS_USAGE, "lathe interpret needs a SPEC (a .lua file)");
    else if (asks_histogram(c))
        read_histogram_options(c, done);
}

/* What follows "lathe COMMAND" in its examples, a line each. */
static const char *examples_of(const char *command)
{
    static const char *const examples[][2] = {
        {"build", "specs/lenet5.lua --set data=digits -o out/digits\n"
                  "specs/resnet9.lua --set batch=128 --isa avx2 --emit-only\n"},
        {"show", "specs/resnet9.lua --set data=cifar10\nspecs/lenet5.lua --dot\n"},
        {"table", "--dynamic L=55.93,Q=12,I=0.029 --tangent 0.1 --svg curve.svg\n"
                  "--curve gelu --minimax 0.01\n"
                  "specs/lenet5.lua --set act=table --json\n"},
        {"compare", "specs/lenet5.lua --train\n"},
        {"sweep", "specs/lenet5.lua --data data --over lr=0.001,0.003,0.01 --seeds 3\n"
                  "specs/lenet5.lua --set data=digits --over act=relu,tanh --over lr=0.01,0.1 "
                  "-o out/curves\n"},
        {"fit", "specs/lenet5.lua --set act=table --data data --method grid --subset 2000 "
                "--epochs 3 -o specs/fits/mine.lua\n"
                "specs/resnet9.lua --set batch=128 --data data --method halving --subset 5000 "
                "--budget 30 -o mine.lua\n"},
        {"verify", "specs/lenet5.lua --samples 4 --seed 2\n"},
        {"report", "out/fit-lenet5 out/lenet5-sweep -o report.html\n"
                   "out/relu-seed1 out/relu-seed2 out/table-seed1 -o runs.html\n"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        if (strcmp(examples[i][0], command) == 0)
            return examples[i][1];
    bug("%s has no examples", command);
}

/* report: the COUNT words of ARGV that are no options are folders. */
static void read_report(struct command *c, int count, char **argv)
{
    if (count == 0)
        fail(STATUS_USAGE, "lathe report needs folders: of runs, sweeps, searches");
    if (!c->output)
        fail(STATUS_USAGE, "lathe report needs -o FILE.html");
    c->rest = argv + 1;
    c->rest_count = count;
}

static void read_options(struct command *c, const struct command_row *row, int argc, char **argv,
                         bool *done)
{
    struct option_set set = {0};
    const char *isa = "native";
    add_options(&set, c, row->name, &isa);
    struct lathe_command command = {
        .about = row->about,
        .arguments = row->arguments,
        .examples = examples_of(row->name),
        .options = set.rows,
        .option_count = set.count,
    };
    int rest = 0;
    argv[0] = arena_printf(c->arena, "lathe %s", row->name);
    *done = !lathe_parse_arguments(&command, argc, argv, &rest);
    if (*done)
        return;
    if (strcmp(row->name, "report") == 0) {
        read_report(c, rest, argv);
        return;
    }
    if (rest > 1)
        fail(STATUS_USAGE, "lathe %s takes one SPEC, given '%s' too", row->name, argv[2]);
    c->spec = rest ? argv[1] : NULL;
    if (!c->spec && !c->dynamic && !c->curve)
        fail(STATUS_USAGE, "lathe %s needs a SPEC", row->name);
    c->build.isa = isa_find(isa);
    if (!c->build.isa)
        fail(STATUS_USAGE, "--isa is native, avx512, avx2, neon or portable, given '%s'", isa);
}

/* ---- running ---- */

struct invocation {
    const struct command_row *row;
    int argc;
    char **argv;
    int status;
    struct arena *arena;
};

static void runtime_died(int status, const char *message)
{
    fail((enum status)status, "%s", message);
}

/* "lathe" and ARGV, NULL-terminated: what was asked for, before options are taken out. */
static const char *const *copy_words(struct arena *arena, const char *program, int argc,
                                     char **argv)
{
    const char **words = arena_array(arena, (size_t)argc + 2, const char *);
    words[0] = program;
    memcpy(words + 1, argv, (size_t)argc * sizeof *words);
    return words;
}

/* What --curves says; NULL: nothing. */
static enum curves find_curves(const char *word)
{
    static const char *const words[] = {
        [CURVES_TABLES] = "tables", [CURVES_LEARNED] = "learned", [CURVES_TIED] = "tied"};
    if (!word)
        return CURVES_FIXED;
    for (int i = CURVES_TABLES; i <= CURVES_TIED; i++)
        if (strcmp(word, words[i]) == 0)
            return (enum curves)i;
    fail(STATUS_USAGE, "--curves is tables, learned or tied, given '%s'", word);
}

static void invoke(void *context)
{
    struct invocation *i = context;
    struct command c = {.arena = i->arena,
                        .infer_batch = 16,
                        .verify_batch = 2,
                        .seed = 1,
                        .show = {.peak = 276, .bandwidth = 22}};
    c.build.cc = "cc";
    c.build.isa = isa_find("native");
    bool done = false;
    c.sweep.jobs = 1;
    c.fit = (struct fit_options){.seeds = 1, .judge_seeds = 5, .jobs = "auto"};
    c.sweep.command = c.fit.command = copy_words(c.arena, i->argv[-1], i->argc, i->argv);
    if (strcmp(i->row->name, "sweep") == 0)
        i->argc = take_over(&c, i->argc, i->argv);
    i->argc = take_settings(&c, i->argc, i->argv);
    if (strcmp(i->row->name, "interpret") == 0)
        split_interpret(&c, i->argc, i->argv, &done);
    else
        read_options(&c, i->row, i->argc, i->argv, &done);
    c.build.curves = find_curves(c.curves);
    c.build.pieces = (int)c.pieces;
    c.build.batch = (int)c.batch;
    c.build.infer_batch = (int)c.infer_batch;
    if (!done)
        i->status = i->row->run(&c);
}

static void print_usage(const struct command_row *rows, int count, FILE *out)
{
    fprintf(out, "lathe " LATHE_VERSION ": neural-network specs to C\n\n");
    for (int i = 0; i < count; i++)
        fprintf(out, "  lathe %-9s %s\n      %s\n", rows[i].name, rows[i].arguments, rows[i].about);
    fprintf(out, "\nlathe COMMAND --help lists a command's options; --set KEY=VALUE (any number)\n"
                 "sets the spec's own options. Exit status: 0 done, 1 the user's error, 2 usage,\n"
                 "3 a failed write or a lost resource, 4 numbers that stopped being finite.\n");
}

static int unknown_command(const struct command_row *rows, int count, const char *word)
{
    const char *words[16];
    for (int i = 0; i < count; i++)
        words[i] = rows[i].name;
    const char *near = nearest_word(word, words, count);
    fprintf(stderr, "lathe: no command '%s'%s%s%s (lathe --help lists them)\n", word,
            near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    return STATUS_USAGE;
}

int command_run(const struct command_row *rows, int count, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    if (!word || strcmp(word, "--help") == 0 || strcmp(word, "help") == 0) {
        print_usage(rows, count, word ? stdout : stderr);
        return word ? STATUS_DONE : STATUS_USAGE;
    }
    if (strcmp(word, "--version") == 0) {
        printf("lathe " LATHE_VERSION "\n");
        return STATUS_DONE;
    }
    struct invocation invocation = {.argc = argc - 1, .argv = argv + 1, .arena = arena_new()};
    for (int i = 0; i < count; i++)
        if (strcmp(rows[i].name, word) == 0)
            invocation.row = &rows[i];
    if (!invocation.row)
        return unknown_command(rows, count, word);
    struct failure failure;
    lathe_die_handler = runtime_died;
    enum status status = protected_call(invoke, &invocation, &failure);
    if (status != STATUS_DONE)
        fprintf(stderr, "%s\n", failure.message);
    arena_free(invocation.arena);
    return status != STATUS_DONE ? (int)status : invocation.status;
}

/* ---- what commands share ---- */

struct network *command_network(struct command *c)
{
    return spec_read(c->arena, c->spec, c->settings, c->setting_count);
}

const char *command_folder(const struct command *c, const struct network *network)
{
    return c->output ? c->output : arena_printf(c->arena, "out/%s", network->name);
}

const char *command_scratch(const struct command *c, const struct network *network,
                            const char *purpose)
{
    return arena_printf(c->arena, "out/.build/%s/%s", purpose, network->name);
}

/* What a curve's parameter is where the command line does not say; NAN: it has to. */
static double default_parameter(enum curve_kind kind, char letter)
{
    if (kind == CURVE_DYNAMIC)
        return letter == 'P' ? 2 : letter == 'Z' ? 10 : NAN;
    return kind == CURVE_ELU ? 1 : kind == CURVE_LEAKY_RELU ? 0.01 : NAN;
}

/* Set the parameter that "a=2" names. */
static void set_parameter(struct curve *curve, const char *item)
{
    const char *letters = curve_kind_parameters(curve->kind), *name = curve_kind_name(curve->kind);
    const char *at = item[0] ? strchr(letters, item[0]) : NULL;
    char *end = NULL;
    if (!at || item[1] != '=')
        fail(STATUS_USAGE, "%s takes %s%s, given '%s'", name, *letters ? "numbers for " : "nothing",
             letters, item);
    curve->parameter[at - letters] = strtod(item + 2, &end);
    if (end == item + 2 || *end)
        fail(STATUS_USAGE, "%s needs %c=NUMBER, given '%s'", name, item[0], item);
}

/* "elu,a=2", "dynamic,L=..,Q=..,I=..". */
static struct curve *read_curve_text(struct command *c, const char *given)
{
    struct curve *curve = arena_new_of(c->arena, struct curve);
    char *text = arena_copy(c->arena, given), *state = NULL;
    const char *word = strtok_r(text, ",", &state);
    if (!word || !curve_kind_find(word, &curve->kind) || curve_kind_is_listed(curve->kind))
        fail(STATUS_USAGE, "--curve takes a curve of the spec language (gelu; elu,a=2), given '%s'",
             given);
    const char *letters = curve_kind_parameters(curve->kind);
    for (int i = 0; letters[i]; i++)
        curve->parameter[i] = default_parameter(curve->kind, letters[i]);
    for (char *item = strtok_r(NULL, ",", &state); item; item = strtok_r(NULL, ",", &state))
        set_parameter(curve, item);
    for (int i = 0; letters[i]; i++)
        if (isnan(curve->parameter[i]))
            fail(STATUS_USAGE, "%s needs %c=NUMBER", word, letters[i]);
    return curve;
}

/* How many methods the command line asks for. */
static int methods_asked(const struct command *c)
{
    return (c->tangent > 0) + (c->minimax > 0) + (c->weighted > 0);
}

/* The method that the command line asks for into CURVE, if there is one; none that is finer than a
 * function was sampled for. */
static void choose_method(const struct command *c, struct curve *curve)
{
    double sampled_for = curve_is_measured(curve) ? curve->k : 0;
    if (methods_asked(c) == 0)
        return;
    curve->method = c->weighted > 0  ? TABLE_WEIGHTED
                    : c->minimax > 0 ? TABLE_MINIMAX
                                     : TABLE_TANGENT;
    curve->k = fmax(fmax(c->tangent, c->minimax), c->weighted);
    if (curve->k < sampled_for)
        fail(STATUS_USER, "curve: f was sampled for a table within %g: ask for a finer one in %s",
             sampled_for, c->spec);
}

/* CURVE with the method that the command line asks for, tabulated. */
static void tabulate_asked(const struct command *c, struct curve *curve)
{
    choose_method(c, curve);
    if (!curve_is_measured(curve) && (c->max > 0 || methods_asked(c) > 0))
        curve->max = c->max;
    const char *problem = curve_problem(c->arena, curve);
    if (problem)
        fail(STATUS_USER, "%s", problem);
    curve_tabulate(c->arena, curve);
}

/* What --histogram says of the node NAME (NULL: of all together), in the command's arena. */
static const struct histogram *
asked_histogram(struct command *c, const struct histograms *histograms, const char *name)
{
    struct node_histogram *node = arena_new_of(c->arena, struct node_histogram);
    const struct node_histogram *found = name ? find_histogram(histograms, name) : NULL;
    if (name && !found)
        fail(STATUS_USER, "%s: has no histogram of %s: was it counted in another network?",
             c->histogram, name);
    *node = found ? *found : join_histograms(c->arena, histograms);
    return &node->values;
}

/* The distinct curves of GRAPH, each with its node's histogram. */
static int graph_curves(struct command *c, const struct graph *graph,
                        const struct histograms *histograms, struct curve *curves)
{
    int count = 0;
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (node->op != OP_curve)
            continue;
        struct curve curve = *node->curve;
        if (c->histogram)
            curve.histogram = asked_histogram(c, histograms, node->name);
        choose_method(c, &curve);
        bool seen = false;
        for (int j = 0; j < count && !seen; j++)
            seen = curve_same(&curve, &curves[j]);
        if (!seen)
            curves[count++] = curve;
    }
    return count;
}

/* Curves of a spec, to be tabulated. */
struct asked {
    const struct command *command;
    struct curve *curves;
    int count;
};

static void tabulate_all(void *context)
{
    const struct asked *asked = context;
    for (int i = 0; i < asked->count; i++)
        tabulate_asked(asked->command, &asked->curves[i]);
}

int command_curves(struct command *c, struct curve **curves)
{
    struct histograms histograms = {0};
    if (methods_asked(c) > 1)
        fail(STATUS_USAGE, "lathe table takes one of --tangent, --minimax and --weighted");
    if (c->histogram)
        histograms = read_histograms(c->arena, c->histogram);
    if (c->dynamic)
        c->curve = arena_printf(c->arena, "dynamic,%s", c->dynamic);
    if (c->curve) {
        *curves = read_curve_text(c, c->curve);
        if (c->histogram)
            (*curves)->histogram = asked_histogram(c, &histograms, NULL);
        tabulate_asked(c, *curves);
        return 1;
    }
    struct network *network = command_network(c);
    const struct graph *graph = network->graph;
    *curves = arena_array(c->arena, (size_t)graph->nodes.count, struct curve);
    int count = graph_curves(c, graph, &histograms, *curves);
    if (count == 0)
        fail(STATUS_USER, "%s: has no activation curve", c->spec);
    struct asked asked = {c, *curves, count};
    if (methods_asked(c) > 0) /* what the command line asks for may take its time */
        tabulate_all(&asked);
    else
        run_bounded(network->spec_path, &network->seconds, tabulate_all, &asked);
    return count;
}
