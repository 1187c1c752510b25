/* fit: a search as a whole: what is asked for, the steps in their order. See fit.h. */
#include "fit_parts.h"
#include "jobs.h"
#include "../runtime/args.h"
#include "../runtime/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { VALIDATION = 1000 }; /* samples held out by default */

/* ---- what is asked for ---- */

static const struct method {
    const char *name;
    bool (*run)(struct fit_search *search);
} methods[] = {{"grid", fit_grid}, {"halving", fit_halving}, {"gradient", fit_gradient}};

static const struct method *find_method(const char *name)
{
    for (size_t i = 0; name && i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    fail(STATUS_USAGE, "--method is grid, halving or gradient, %s%s%s", name ? "given '" : "none",
         name ? name : " given", name ? "'" : "");
}

/* The file's name without folder and ".lua". */
static const char *name_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".lua") == 0)
        length -= 4;
    if (length == 0)
        fail(STATUS_USAGE, "-o %s: needs a file's name", path);
    return arena_printf(arena, "%.*s", (int)length, name);
}

/* FILE's folder is there. */
static void check_output(struct arena *arena, const char *path)
{
    struct stat about;
    const char *slash = strrchr(path, '/');
    const char *folder = slash ? arena_printf(arena, "%.*s", (int)(slash - path + 1), path) : ".";
    if (stat(folder, &about) < 0 || !S_ISDIR(about.st_mode))
        fail(STATUS_USER, "-o %s: there is no folder %s", path, folder);
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        fail(STATUS_USER, "-o %s: is a folder", path);
}

static int read_jobs(const char *text)
{
    char *end;
    if (!text || strcmp(text, "auto") == 0)
        return 0;
    long jobs = strtol(text, &end, 10);
    if (end == text || *end || jobs < 1 || jobs > 256)
        fail(STATUS_USAGE, "--jobs is auto or 1 to 256, given '%s'", text);
    return (int)jobs;
}

/* ---- what is fitted ---- */

static void list_nodes(struct fit_search *search)
{
    const struct graph *graph = search->network->graph;
    const char *spec = search->options->spec;
    for (int i = 0; i < graph->nodes.count; i++) {
        const struct node *node = graph->nodes.items[i];
        if (node->op == OP_curve && node->curve->kind == CURVE_DYNAMIC)
            vector_push(search->arena, &search->nodes, node);
        if (node->op == OP_learned && node->learned.kind == LEARNED_DYNAMIC)
            fail_at(STATUS_USER, node->where,
                    "%s: learns its curve already: lathe fit takes one with numbers", node->name);
    }
    if (search->nodes.count == 0)
        fail(STATUS_USER, "%s: has no dynamic curve to fit (is it an option of the spec: --set?)",
             spec);
    search->curves = search->options->per_layer ? search->nodes.count : 1;
    const double *first = search->nodes.items[0]->curve->parameter;
    for (int i = 1; i < search->nodes.count; i++) {
        const double *own = search->nodes.items[i]->curve->parameter;
        if (search->curves == 1 &&
            (own[DYNAMIC_P] != first[DYNAMIC_P] || own[DYNAMIC_Z] != first[DYNAMIC_Z]))
            fail(STATUS_USER, "%s: %s and %s differ in P or Z: one curve for all cannot have both",
                 spec, search->nodes.items[0]->name, search->nodes.items[i]->name);
    }
}

/* Have tables of POINT in all nodes fit into the program; false where they cannot. */
static bool take_point(struct fit_search *search, struct fit_point point)
{
    struct fit_point *curves = arena_array(search->arena, (size_t)search->curves, struct fit_point);
    for (int i = 0; i < search->curves; i++)
        curves[i] = point;
    int pieces = fit_pieces(search, curves);
    if (pieces <= PIECES_MOST)
        search->pieces = max_int(search->pieces, pieces);
    return pieces <= PIECES_MOST;
}

/* All points that the search may come to are curves: none has a denominator that vanishes. How many
 * pieces their tables have at most; points whose tables have more than any program takes are left
 * out. */
static void check_points(struct fit_search *search)
{
    fit_points points = fit_space_grid(search->arena, &search->space);
    bool halving = strcmp(search->options->method, "halving") == 0;
    int out = 0, all = points.count + (halving ? FIT_CANDIDATES_MAX : 0);
    for (int i = 0; i < points.count; i++)
        out += !take_point(search, points.items[i]);
    for (int i = 0; i < all - points.count; i++)
        out += !take_point(search, fit_space_spread(&search->space, i));
    for (int i = 0; i < search->nodes.count; i++) /* the spec's own are candidates */
        take_point(search, fit_own_point(search->nodes.items[i]));
    if (out == all)
        fail(STATUS_USER,
             "all tables have more than %d pieces: a coarser one in %s (its k, or eps)",
             (int)PIECES_MOST, search->options->spec);
    if (out)
        printf("%d of %d points left out: their tables have more than %d pieces\n", out, all,
               (int)PIECES_MOST);
    search->pieces = round_up(search->pieces, FIT_PIECES_STEP);
}

/* ---- the whole ---- */

double fit_elapsed(const struct fit_search *search)
{
    return search->before + lathe_seconds() - search->began;
}

const char *fit_curves_text(struct arena *arena, const struct fit_point *curves, int count)
{
    const char *text = "";
    for (int i = 0; i < count; i++) {
        const struct fit_point *c = &curves[i];
        text = c->l == 0 ? arena_printf(arena, "%s%sReLU", text, i ? "; " : "")
                         : arena_printf(arena, "%s%sL=%.4g Q=%.4g I=%.4g", text, i ? "; " : "",
                                        c->l, c->q, c->i);
    }
    return text;
}

double fit_time(const struct fit_search *search)
{
    double seconds = 0;
    for (int i = 0; i < search->trials.count; i++)
        seconds = fmax(seconds, search->trials.items[i]->elapsed);
    return seconds;
}

static void read_plan(struct fit_search *search)
{
    const struct fit_options *o = search->options;
    struct network *network = search->network =
        spec_read(search->arena, o->spec, o->settings, o->setting_count);
    if (!network->has_training)
        fail(STATUS_USER, "%s: trains nothing: a search needs data and train", o->spec);
    search->space = fit_space_of(search->arena, o);
    list_nodes(search);
    check_points(search);
    search->epochs = o->epochs ? (int)o->epochs : network->training.epochs;
    search->validation = o->validation                  ? o->validation
                         : network->data.validation > 0 ? 0
                                                        : VALIDATION;
    search->folder = o->work ? o->work : arena_printf(search->arena, "out/fit-%s", search->name);
}

static void print_found(const struct fit_search *search)
{
    const struct candidate *best = search->best;
    const struct trial *trial = best->trials.items[0];
    const struct candidate *relu = fit_baseline(search, trial->epochs);
    struct fit_score score = fit_score_of(best);
    struct fit_score its = relu ? fit_score_of(relu) : (struct fit_score){NAN, NAN};
    bool classes = search->network->data.classes > 0;
    char time[32];
    printf("best: %s  validation %s %.4f, ReLU %.4f (%d epochs, %d seed%s), found in %s%s\n%s\n",
           fit_curves_text(search->arena, best->curves, search->curves),
           classes ? "accuracy" : "loss", fabs(score.mean), fabs(its.mean), trial->epochs,
           best->trials.count, best->trials.count > 1 ? "s" : "",
           lathe_duration(time, fit_time(search)),
           search->out_of_time ? ", cut short by --budget" : "", search->options->output);
    if (fit_pieces(search, best->curves) == 2)
        printf("its table is ReLU's: a finer one (tangent, minimax in the spec) would show more\n");
    fflush(stdout);
}

static void print_how_to_go_on(const struct fit_search *search)
{
    printf("stopped; the best so far is %s%s; to go on:", search->best ? "in " : "none",
           search->best ? search->options->output : "");
    for (const char *const *word = search->options->command; *word; word++)
        lathe_print_word(stdout, *word);
    putchar('\n');
}

void fit(struct arena *arena, const struct fit_options *options)
{
    struct fit_search search = {.arena = arena,
                                .options = options,
                                .cores = core_count(),
                                .learned_score = NAN,
                                .tuned_score = NAN};
    const struct method *method = find_method(options->method);
    if (!options->output)
        fail(STATUS_USAGE, "lathe fit needs -o FILE: the fit file to write");
    search.name = name_of(arena, options->output);
    check_output(arena, options->output);
    search.jobs = read_jobs(options->jobs);
    if (!search.jobs && options->threads)
        search.jobs = max_int(1, search.cores / (int)options->threads);
    if (search.cores == 1 && !search.jobs)
        search.jobs = 1;
    read_plan(&search);
    fit_open_folder(&search);
    fit_build(&search, FIT_TABLES);
    search.began = lathe_seconds();
    if (fit_run_baseline(&search, search.epochs, (int)options->seeds))
        method->run(&search);
    search.complete = !search.stopped;
    if (search.best)
        fit_write(&search);
    if (!search.stopped && !search.best)
        fail(STATUS_USER, "no candidate ended well%s: %s",
             search.out_of_time ? " within the budget" : "", search.record_path);
    if (!search.stopped)
        print_found(&search);
    if (search.stopped || !fit_judge(&search))
        print_how_to_go_on(&search);
}
