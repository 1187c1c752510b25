/* fit_program: programs, weights and command lines of a search. See fit_program.h. */
#include "fit_program.h"
#include "sha256.h"
#include "../runtime/safetensors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Pieces of the tables of closed curves; most that the tables program takes. */
enum { CLOSED_PIECES = 16 };

const char *const fit_program_names[FIT_PROGRAMS] = {
    [FIT_TABLES] = "tables", [FIT_TIED] = "tied", [FIT_LEARNED] = "learned"};

/* ---- curves ---- */

/* The curve of NODE with POINT's parameters, without its table. */
static struct curve *bare_curve(struct arena *arena, const struct node *node,
                                struct fit_point point)
{
    struct curve *curve = arena_new_of(arena, struct curve);
    *curve = *node->curve;
    curve->table = NULL;
    curve->parameter[DYNAMIC_L] = point.l;
    curve->parameter[DYNAMIC_Q] = point.q;
    curve->parameter[DYNAMIC_I] = point.i;
    if (point.l == 0)
        *curve = (struct curve){.kind = CURVE_RELU};
    const char *problem = curve_problem(arena, curve);
    if (problem)
        fail(STATUS_USER, "L=%g Q=%g I=%g: %s", point.l, point.q, point.i, problem);
    return curve;
}

struct curve *fit_curve(struct arena *arena, const struct node *node, struct fit_point point)
{
    struct curve *curve = bare_curve(arena, node, point);
    if (curve->kind == CURVE_DYNAMIC && curve->method == TABLE_EXACT)
        curve_tabulate_pieces(arena, curve, CLOSED_PIECES);
    else
        curve_tabulate(arena, curve);
    return curve;
}

/* The curve of node INDEX among CURVES. */
static struct fit_point point_of(const struct fit_search *search, const struct fit_point *curves,
                                 int index)
{
    return curves[search->curves == 1 ? 0 : index];
}

/* Do nodes A and B make the same table of CURVES? */
static bool makes_same(const struct fit_search *search, const struct fit_point *curves, int a,
                       int b)
{
    const struct fit_point p = point_of(search, curves, a), q = point_of(search, curves, b);
    const struct node *one = search->nodes.items[a], *other = search->nodes.items[b];
    struct curve mine = *one->curve, its = *other->curve;
    memcpy(mine.parameter, its.parameter, sizeof(double[3])); /* L, Q, I are replaced */
    return p.l == q.l && p.q == q.q && p.i == q.i && curve_same(&mine, &its);
}

struct tabulation {
    struct arena *arena;
    const struct node *node;
    struct fit_point point;
    int pieces;
};

static void count_pieces(void *context)
{
    struct tabulation *t = context;
    t->pieces = fit_curve(t->arena, t->node, t->point)->table->count;
}

int fit_pieces(const struct fit_search *search, const struct fit_point *curves)
{
    struct arena *arena = arena_new();
    int most = 0;
    for (int i = 0; i < search->nodes.count; i++) {
        struct tabulation t = {arena, search->nodes.items[i], point_of(search, curves, i), 0};
        struct failure failure;
        bool seen = false;
        for (int j = 0; j < i && !seen; j++)
            seen = makes_same(search, curves, i, j);
        if (seen)
            continue;
        bare_curve(arena, t.node, t.point); /* fails where it is no curve, whatever its table */
        if (protected_call(count_pieces, &t, &failure) != STATUS_DONE)
            t.pieces = PIECES_MOST + 1;
        most = max_int(most, t.pieces);
    }
    arena_free(arena);
    return most;
}

const char *fit_tables_digest(const struct fit_search *search, const struct fit_point *curves)
{
    struct arena *arena = arena_new();
    struct sha256 hash;
    char hex[65];
    sha256_begin(&hash);
    for (int i = 0; i < search->nodes.count; i++) {
        bool seen = false;
        for (int j = 0; j < i && !seen; j++)
            seen = makes_same(search, curves, i, j);
        if (seen && search->curves == 1)
            continue;
        const struct table *table =
            fit_curve(arena, search->nodes.items[i], point_of(search, curves, i))->table;
        for (int p = 0; p < table->count; p++) {
            const struct piece *piece = &table->pieces[p];
            const char *line = arena_printf(arena, "%d %.9g %.9g %.9g;", i, piece->from,
                                            piece->slope, piece->intercept);
            sha256_add(&hash, line, strlen(line));
        }
    }
    sha256_end(&hash, hex);
    arena_free(arena);
    return arena_printf(search->arena, "%.16s", hex);
}

/* ---- programs ---- */

const char *fit_program_folder(const struct fit_search *search, enum fit_program program)
{
    return program == FIT_TABLES
               ? arena_printf(search->arena, "%s%d", fit_program_names[program], search->pieces)
               : fit_program_names[program];
}

const char *fit_program_path(const struct fit_search *search, const char *name)
{
    return arena_printf(search->arena, "%s%s/builds/%s/train",
                        strchr(search->folder, '/') ? "" : "./", search->folder, name);
}

void fit_build(struct fit_search *search, enum fit_program program)
{
    static const enum curves curves[FIT_PROGRAMS] = {
        [FIT_TABLES] = CURVES_TABLES, [FIT_TIED] = CURVES_TIED, [FIT_LEARNED] = CURVES_LEARNED};
    const struct fit_options *o = search->options;
    struct build_options build = o->build;
    const char *name = fit_program_folder(search, program);
    const char *folder = arena_printf(search->arena, "%s/builds/%s", search->folder, name);
    struct arena *arena = arena_new(); /* the passes change the graph: one of its own */
    build.curves = curves[program];
    build.pieces = search->pieces;
    printf("build %s\n", folder);
    fflush(stdout);
    check_compiler(&build);
    build_sources(arena, spec_read(arena, o->spec, o->settings, o->setting_count), &build, folder);
    build_programs(&build, folder, NULL);
    arena_free(arena);
}

/* ---- weights ---- */

struct tensor_list {
    struct arena *arena;
    VECTOR(struct lathe_stored) list;
};

static float *add_tensor(struct tensor_list *tensors, const char *node, const char *name, int rows,
                         int columns)
{
    struct lathe_stored tensor = {.name = arena_printf(tensors->arena, "%s.%s", node, name),
                                  .rank = columns ? 2 : 1,
                                  .dims = {(size_t)rows, (size_t)columns},
                                  .elements = (size_t)(columns ? rows * columns : rows)};
    float *numbers = arena_array(tensors->arena, tensor.elements, float);
    tensor.data = numbers;
    vector_push(tensors->arena, &tensors->list, tensor);
    return numbers;
}

static _Noreturn void fail_file(const struct lathe_error *error)
{
    fail((enum status)error->status, "%s", error->message);
}

/* Add all tensors of the file PATH. */
static void add_file(struct tensor_list *tensors, const char *path)
{
    struct lathe_tensors file;
    struct lathe_error error;
    if (!lathe_tensors_open(&file, path, &error))
        fail_file(&error);
    for (int i = 0; i < file.count; i++) {
        struct lathe_stored tensor = file.tensors[i];
        float *numbers = arena_array(tensors->arena, tensor.elements, float);
        if (!lathe_tensors_read(&file, &tensor, numbers, &error))
            fail_file(&error);
        tensor.name = arena_copy(tensors->arena, tensor.name);
        tensor.data = numbers;
        vector_push(tensors->arena, &tensors->list, tensor);
    }
    lathe_tensors_close(&file);
}

/* Add the table, or L, Q and I, of node INDEX with TRIAL's curve. */
static void add_curve(const struct fit_search *search, const struct trial *trial, int index,
                      struct tensor_list *tensors)
{
    const struct node *node = search->nodes.items[index];
    struct fit_point point = point_of(search, trial->curves, index);
    if (trial->program == FIT_TABLES) {
        const struct curve *curve = fit_curve(tensors->arena, node, point);
        curve_pack_table(curve->table, search->pieces,
                         add_tensor(tensors, node->name, "table", 3, search->pieces));
        return;
    }
    *add_tensor(tensors, node->name, "L", 1, 0) = (float)point.l;
    *add_tensor(tensors, node->name, "Q", 1, 0) = (float)point.q;
    *add_tensor(tensors, node->name, "I", 1, 0) = (float)point.i;
}

const char *fit_write_start(const struct fit_search *search, const struct trial *trial)
{
    const char *path = fit_run_file(search, search->arena, trial->id, "start.safetensors");
    struct tensor_list tensors = {.arena = arena_new()};
    struct lathe_error error;
    if (trial->start)
        add_file(&tensors,
                 fit_run_file(search, tensors.arena, trial->start, "weights.safetensors"));
    for (int i = 0; i < search->nodes.count; i++)
        add_curve(search, trial, i, &tensors);
    if (!lathe_tensors_write(path, tensors.list.items, tensors.list.count, NULL, 0, &error))
        fail_file(&error);
    arena_free(tensors.arena);
    return path;
}

/* The one number of the tensor NODE.NAME in FILE. */
static double number_in(const struct lathe_tensors *file, struct arena *arena, const char *node,
                        const char *name)
{
    struct lathe_error error;
    float number;
    const char *full = arena_printf(arena, "%s.%s", node, name);
    const struct lathe_stored *tensor = lathe_tensors_find(file, full);
    if (!tensor || tensor->elements != 1)
        fail(STATUS_USER, "%s: has no %s", file->path, full);
    if (!lathe_tensors_read(file, tensor, &number, &error))
        fail_file(&error);
    return (double)number;
}

struct fit_point *fit_read_found(const struct fit_search *search, const struct trial *trial)
{
    struct lathe_tensors file;
    struct lathe_error error;
    struct fit_point *found = arena_array(search->arena, (size_t)search->curves, struct fit_point);
    const char *path = fit_run_file(search, search->arena, trial->id, "weights.safetensors");
    if (!lathe_tensors_open(&file, path, &error))
        fail_file(&error);
    for (int i = 0; i < search->curves; i++) {
        const char *node = search->nodes.items[i]->name;
        found[i] = (struct fit_point){number_in(&file, search->arena, node, "L"),
                                      fabs(number_in(&file, search->arena, node, "Q")),
                                      number_in(&file, search->arena, node, "I")};
    }
    lathe_tensors_close(&file);
    return found;
}

/* ---- command lines ---- */

void fit_add_words(struct fit_command *command, ...)
{
    va_list words;
    va_start(words, command);
    for (const char *word = va_arg(words, const char *); word; word = va_arg(words, const char *))
        vector_push(command->arena, &command->words, word);
    va_end(words);
}

void fit_add_number(struct fit_command *command, const char *name, int64_t number)
{
    if (number)
        fit_add_words(command, name, arena_printf(command->arena, "%lld", (long long)number), NULL);
}

const char *const *fit_words(struct fit_command *command)
{
    vector_push(command->arena, &command->words, NULL);
    return command->words.items;
}
