/*
 * build: the passes in their order, then files, then the compiler.
 */
#include "build.h"
#include "cc.h"
#include "emit.h"
#include "interp.h"
#include "jobs.h"
#include "passes.h"
#include "program.h"
#include "watchdog.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file of kernels takes the compiler about as long as a second of one core's time, and small
 * networks stay in one. */
enum { PART_BYTES = 96 << 10 };

/* ---- passes ---- */

/* NAME is one of the words of LIST, which commas separate. */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *c = list; c; c = strchr(c, ',') ? strchr(c, ',') + 1 : NULL)
        if (strncmp(c, name, length) == 0 && (c[length] == ',' || c[length] == '\0'))
            return true;
    return false;
}

static void dump_graph(const struct build_options *options, const char *pass,
                       const struct graph *graph)
{
    struct text text = {0};
    if (!listed(options->dump, pass))
        return;
    graph_print(graph, &text);
    printf("after %s:\n%s\n", pass, text.data ? text.data : "");
    text_free(&text);
}

static void dump_program(const struct build_options *options, const char *pass,
                         const struct program *program)
{
    struct text text = {0};
    if (!listed(options->dump, pass))
        return;
    if (strcmp(pass, "fuse") == 0)
        groups_print(program->groups, &text);
    else
        program_print(program, &text);
    printf("after %s, %s:\n%s\n", pass, program->training ? "training" : "inference",
           text.data ? text.data : "");
    text_free(&text);
}

struct program *build_program(struct arena *arena, struct network *network,
                              const struct build_options *options, bool training)
{
    struct graph *graph = network->graph;
    int batch = training ? options->batch : options->infer_batch;
    if (batch == 0)
        batch = network->training.batch > 0 ? network->training.batch : 1;
    struct groups *groups = fuse(graph, training);
    struct lower_options lowering = {.isa = options->isa,
                                     .batch = batch,
                                     .typical_batch = training ? options->typical_batch : 0,
                                     .training = training,
                                     .keep = training && options->verify,
                                     .method = options->method};
    struct program *program = lower(arena, graph, groups, &lowering);
    dump_program(options, "fuse", program);
    recompute(program, options->verify);
    plan_memory(program);
    if (!options->verify)
        choose_team(program);
    dump_program(options, "plan", program);
    return program;
}

/* NETWORK's curves as OPTIONS want them: the first pass, before anything looks at parameters. */
static void loosen(struct network *network, const struct build_options *options)
{
    if (options->curves == CURVES_FIXED)
        return;
    loosen_curves(network->graph, options->curves,
                  options->pieces ? options->pieces : PIECES_DEFAULT);
    dump_graph(options, "curves", network->graph);
}

/* The passes over NETWORK: what there is to emit. */
static struct emission run_passes(struct arena *arena, struct network *network,
                                  const struct build_options *options)
{
    struct graph *graph = network->graph;
    bool trains = graph->loss != NULL;
    dump_graph(options, "shape", graph);
    loosen(network, options);
    tabulate_curves(graph);
    if (trains && !graph->training)
        add_gradients(graph);
    graph_verify(graph);
    dump_graph(options, "grad", graph);
    return (struct emission){
        .network = network,
        .infer = build_program(arena, network, options, false),
        .train = trains ? build_program(arena, network, options, true) : NULL,
        .cc = options->cc,
        .curves = options->curves,
        .verify = options->verify,
        .part_bytes = options->part_bytes ? options->part_bytes : PART_BYTES,
        .weights = options->weights,
    };
}

/* A network on its way to C. */
struct making {
    struct arena *arena;
    struct network *network;
    const struct build_options *options;
    const char *folder;
    struct emitted emitted;
    struct sha256 *digest; /* as in struct emission */
};

/* run_bounded's body: what a spec makes lathe compute; CONTEXT is a struct making. */
static void make_emission(void *context)
{
    struct making *making = context;
    struct emission emission = run_passes(making->arena, making->network, making->options);
    emission.digest = making->digest;
    making->emitted = emit(making->arena, &emission, making->folder);
}

void build_sources(struct arena *arena, struct network *network,
                   const struct build_options *options, const char *folder)
{
    if (options->weights) { /* before anything is written: are they this network's? */
        loosen(network, options);
        free(lathe_read_weights(interp_model(arena, network, 1, 0), options->weights));
    }
    struct making making = {arena, network, options, folder, {{0}}, NULL};
    run_bounded(network->spec_path, &network->seconds, make_emission, &making);
    emit_write(arena, &making.emitted, options->weights, folder);
}

void build_digest(struct arena *arena, const struct network *network,
                  const struct build_options *options, char digest[65])
{
    struct network copy = *network;
    struct sha256 hash;
    strcpy(copy.digest, "");
    copy.training = (struct lathe_training){.batch = network->training.batch};
    struct making making = {arena, &copy, options, ".", {{0}}, &hash};
    sha256_begin(&hash);
    run_bounded(copy.spec_path, &copy.seconds, make_emission, &making);
    sha256_end(&hash, digest);
}

/* ---- the compiler ---- */

/* The first line of OUTPUT that says error, or its first line. */
static void first_complaint(const char *output, char *line, size_t size)
{
    const char *at = output ? strstr(output, "error") : NULL;
    while (at && at > output && at[-1] != '\n')
        at--;
    if (!at)
        at = output ? output : "";
    snprintf(line, size, "%.*s", (int)strcspn(at, "\n"), at);
}

void check_compiler(const struct build_options *options)
{
    struct text output = {0};
    const char *version[] = {options->cc, "--version", NULL};
    int status = run_program(version, ".", &output);
    text_free(&output);
    if (status != 0)
        fail(STATUS_USER, "%s is no C compiler: '%s --version' ends with status %d", options->cc,
             options->cc, status);
}

void build_programs(const struct build_options *options, const char *folder, const char *target)
{
    char compiler[512], jobs[32];
    struct text output = {0};
    snprintf(compiler, sizeof compiler, "CC=%s", options->cc);
    snprintf(jobs, sizeof jobs, "-j%d", core_count());
    const char *make[] = {
        "make", "-s", jobs, compiler, target ? "PICFLAG=-fPIC" : "PICFLAG=", target, NULL};
    int status = run_program(make, folder, &output);
    char line[512];
    first_complaint(output.data, line, sizeof line);
    text_free(&output);
    if (status != 0)
        fail(STATUS_USER, "%s: make failed: %s", folder, line);
}

const struct lathe_model *build_and_load(struct arena *arena, struct network *network,
                                         const struct build_options *options, const char *folder)
{
    check_compiler(options);
    build_sources(arena, network, options, folder);
    build_programs(options, folder, ".build/kernels.so");
    const char *path =
        arena_printf(arena, "%s%s/.build/kernels.so", folder[0] == '/' ? "" : "./", folder);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle)
        fail(STATUS_RESOURCE, "cannot load %s: %s", path, dlerror());
    const struct lathe_model *model = dlsym(handle, arena_printf(arena, "%s_model", network->name));
    check_bug(model != NULL);
    struct lathe_model *copy = arena_new_of(arena, struct lathe_model);
    *copy = *model;
    void (*complete)(struct lathe_model *) = NULL;
    *(void **)&complete = dlsym(handle, arena_printf(arena, "%s_complete", network->name));
    if (complete)
        complete(copy);
    return copy;
}
