/*
 * sweep: the plan of a sweep: its keys, combinations and builds; and the steps in their order.
 */
#include "sweep_parts.h"
#include "sha256.h"
#include "../runtime/args.h"
#include "../runtime/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMBINATIONS_MAX = 4096, EPOCHS_MAX = 1000000, BATCH_MAX = 65536 };

/* ---- keys ---- */

static bool has_option(const struct network *network, const char *name)
{
    for (int i = 0; i < network->options.count; i++)
        if (strcmp(network->options.items[i], name) == 0)
            return true;
    return false;
}

static bool is_field(const char *name)
{
    for (int i = 0; lathe_recipe_field(i); i++)
        if (strcmp(lathe_recipe_field(i), name) == 0)
            return true;
    return false;
}

/* What there is to sweep over: options of the spec, then what training has. */
static _Noreturn void unknown_key(struct sweep *sweep, const struct network *network,
                                  const char *name)
{
    VECTOR(const char *) words = {0};
    struct text list = {0};
    for (int i = 0; i < network->options.count; i++)
        vector_push(sweep->arena, &words, network->options.items[i]);
    vector_push(sweep->arena, &words, "seed");
    vector_push(sweep->arena, &words, "epochs");
    vector_push(sweep->arena, &words, "batch");
    for (int i = 0; lathe_recipe_field(i); i++)
        vector_push(sweep->arena, &words, lathe_recipe_field(i));
    for (int i = 0; i < words.count; i++)
        text_printf(&list, "%s%s", i ? ", " : "", words.items[i]);
    const char *near = nearest_word(name, words.items, words.count);
    const char *all = arena_copy(sweep->arena, list.data);
    text_free(&list);
    fail(STATUS_USER, "--over %s: neither an option of %s nor of training (%s%s%sthere are %s)",
         name, sweep->options->spec, near ? "did you mean " : "", near ? near : "",
         near ? "? " : "", all);
}

/* TEXT as a whole number from LEAST to MOST, or fails naming KEY. */
static int64_t whole_number(const char *key, const char *text, int64_t least, int64_t most)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    if (*end || strchr(" \t\n\v\f\r", text[0]) || number < least || number > most)
        fail(STATUS_USER, "--over %s: expected a whole number, %lld to %lld, given '%s'", key,
             (long long)least, (long long)most, text);
    return number;
}

/* The values of "KEY=a,b,c" behind its equals sign. */
static void split_values(struct sweep *sweep, struct sweep_key *key, const char *text)
{
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        const char *value = arena_printf(sweep->arena, "%.*s", (int)length, at);
        if (length == 0)
            fail(STATUS_USAGE, "--over %s: a value is missing in '%s'", key->name, text);
        for (int i = 0; i < key->values.count; i++)
            if (strcmp(key->values.items[i], value) == 0)
                fail(STATUS_USAGE, "--over %s: %s is there twice", key->name, value);
        vector_push(sweep->arena, &key->values, value);
        at += length;
        if (!*at)
            return;
    }
}

/* KEY is seed: its values are the sweep's seeds. */
static void take_seeds(struct sweep *sweep, const struct sweep_key *key)
{
    if (sweep->options->seeds)
        fail(STATUS_USAGE, "--seeds and --over seed: give one of them");
    for (int i = 0; i < key->values.count; i++)
        vector_push(sweep->arena, &sweep->seeds,
                    whole_number("seed", key->values.items[i], 0, INT64_C(1) << 53));
}

/* See that KEY is no second word about the same thing. */
static void check_once(const struct sweep *sweep, const struct sweep_key *key)
{
    const struct sweep_options *o = sweep->options;
    bool twice =
        (key->kind == KEY_EPOCHS && o->epochs) || (key->kind == KEY_BATCH && o->build.batch);
    for (int i = 0; i < o->setting_count; i++)
        twice |= key->kind == KEY_OPTION && strcmp(o->settings[i].key, key->name) == 0;
    if (twice)
        fail(STATUS_USAGE, "--over %s and %s%s: give one of them", key->name,
             key->kind == KEY_OPTION ? "--set " : "--", key->name);
    for (int i = 0; i < sweep->keys.count; i++)
        if (strcmp(sweep->keys.items[i].name, key->name) == 0)
            fail(STATUS_USAGE, "--over %s: given twice", key->name);
}

static void read_key(struct sweep *sweep, const struct network *network, const char *over)
{
    struct sweep_key key = {0};
    const char *equals = strchr(over, '=');
    if (!equals || equals == over)
        fail(STATUS_USAGE, "--over needs KEY=VALUE,VALUE,..., given '%s'", over);
    key.name = arena_printf(sweep->arena, "%.*s", (int)(equals - over), over);
    split_values(sweep, &key, equals + 1);
    if (has_option(network, key.name)) {
        key.kind = KEY_OPTION;
    } else if (strcmp(key.name, "seed") == 0) {
        take_seeds(sweep, &key);
        return;
    } else if (strcmp(key.name, "epochs") == 0) {
        key.kind = KEY_EPOCHS;
    } else if (strcmp(key.name, "batch") == 0) {
        key.kind = KEY_BATCH;
    } else if (is_field(key.name)) {
        key.kind = KEY_RECIPE;
    } else {
        unknown_key(sweep, network, key.name);
    }
    check_once(sweep, &key);
    vector_push(sweep->arena, &sweep->keys, key);
}

static void read_keys(struct sweep *sweep, const struct network *network)
{
    const struct sweep_options *o = sweep->options;
    for (int i = 0; i < o->over_count; i++)
        read_key(sweep, network, o->over[i]);
    if (sweep->seeds.count == 0)
        for (int64_t seed = 1; seed <= (o->seeds ? o->seeds : 1); seed++)
            vector_push(sweep->arena, &sweep->seeds, seed);
}

/* ---- combinations ---- */

static void list_combinations(struct sweep *sweep)
{
    int count = 1;
    for (int k = 0; k < sweep->keys.count; k++) {
        count *= sweep->keys.items[k].values.count;
        if (count > COMBINATIONS_MAX)
            fail(STATUS_USER, "more than %d combinations", (int)COMBINATIONS_MAX);
    }
    for (int i = 0; i < count; i++) {
        struct combination c = {
            .values = arena_array(sweep->arena, (size_t)sweep->keys.count + 1, const char *)};
        const char *label = "";
        for (int k = sweep->keys.count - 1, rest = i; k >= 0; k--) {
            const struct sweep_key *key = &sweep->keys.items[k];
            c.values[k] = key->values.items[rest % key->values.count];
            rest /= key->values.count;
            label = arena_printf(sweep->arena, "%s=%s%s%s", key->name, c.values[k],
                                 *label ? " " : "", label);
        }
        c.label = label;
        vector_push(sweep->arena, &sweep->combinations, c);
    }
}

static void check_trains(const struct sweep_options *options, const struct network *network)
{
    if (!network->has_training)
        fail(STATUS_USER, "%s: trains nothing: a sweep needs data and train", options->spec);
}

/* Reading the spec with the settings of a combination, in an arena of its own. */
struct evaluation {
    struct sweep *sweep;
    struct combination *combination;
    struct arena *arena;
    struct network *network;
    struct build_options build;
};

static void read_combination(struct evaluation *e)
{
    const struct sweep_options *o = e->sweep->options;
    int count = o->setting_count;
    struct spec_setting *settings =
        arena_array(e->arena, (size_t)(count + e->sweep->keys.count + 1), struct spec_setting);
    if (count)
        memcpy(settings, o->settings, (size_t)count * sizeof *settings);
    e->build = o->build;
    for (int k = 0; k < e->sweep->keys.count; k++) {
        const struct sweep_key *key = &e->sweep->keys.items[k];
        const char *value = e->combination->values[k];
        if (key->kind == KEY_OPTION)
            settings[count++] = (struct spec_setting){key->name, value};
        if (key->kind == KEY_BATCH)
            e->build.batch = (int)whole_number("batch", value, 1, BATCH_MAX);
    }
    e->network = spec_read(e->arena, o->spec, settings, count);
    check_trains(o, e->network);
}

/* The recipe and epochs of the combination. */
static void read_training(struct evaluation *e)
{
    struct sweep *sweep = e->sweep;
    struct lathe_training *training = &e->network->training;
    char recipe[LATHE_RECIPE_TEXT];
    struct lathe_error error;
    struct text changes = {0};
    if (sweep->options->epochs)
        training->epochs = (int)sweep->options->epochs;
    for (int k = 0; k < sweep->keys.count; k++) {
        const struct sweep_key *key = &sweep->keys.items[k];
        const char *value = e->combination->values[k];
        if (key->kind == KEY_EPOCHS)
            training->epochs = (int)whole_number("epochs", value, 1, EPOCHS_MAX);
        if (key->kind == KEY_RECIPE)
            text_printf(&changes, "%s%s=%s", changes.length ? "," : "", key->name, value);
    }
    bool right = !changes.data || lathe_recipe_read(changes.data, training, &error);
    text_free(&changes);
    if (!right)
        fail(STATUS_USER, "%s", error.message);
    lathe_recipe_write(training, recipe);
    e->combination->recipe = arena_copy(sweep->arena, recipe);
    e->combination->epochs = training->epochs;
}

/* A combination before this one that differs in recipe and epochs alone, or NULL. */
static const struct combination *same_options(const struct sweep *sweep,
                                              const struct combination *combination)
{
    for (const struct combination *c = sweep->combinations.items; c < combination; c++) {
        bool same = true;
        for (int k = 0; k < sweep->keys.count && same; k++)
            same = sweep->keys.items[k].kind >= KEY_RECIPE ||
                   strcmp(c->values[k], combination->values[k]) == 0;
        if (same)
            return c;
    }
    return NULL;
}

static void evaluate(void *context)
{
    struct evaluation *e = context;
    char digest[65];
    read_combination(e);
    read_training(e);
    e->sweep->name = arena_copy(e->sweep->arena, e->network->name);
    e->sweep->classes = e->network->data.classes > 0;
    e->sweep->held |= e->network->data.validation > 0;
    const struct combination *same = same_options(e->sweep, e->combination);
    if (!same)
        build_digest(e->arena, e->network, &e->build, digest);
    snprintf(e->combination->build, sizeof e->combination->build, "%.16s",
             same ? same->build : digest);
}

/* Run BODY on COMBINATION; a failure says of which combination it is. */
static void with_combination(struct sweep *sweep, struct combination *combination,
                             void (*body)(void *context))
{
    struct evaluation e = {.sweep = sweep, .combination = combination, .arena = arena_new()};
    struct failure failure;
    enum status status = protected_call(body, &e, &failure);
    arena_free(e.arena);
    if (status != STATUS_DONE)
        fail(status, "%s%s%s%s", failure.message, *combination->label ? " (with " : "",
             combination->label, *combination->label ? ")" : "");
}

static void evaluate_all(struct sweep *sweep)
{
    for (int i = 0; i < sweep->combinations.count; i++) {
        struct combination *c = &sweep->combinations.items[i];
        with_combination(sweep, c, evaluate);
        c->first = true;
        for (int j = 0; j < i && c->first; j++)
            c->first = strcmp(sweep->combinations.items[j].build, c->build) != 0;
    }
}

/* ---- builds ---- */

static void build_one(void *context)
{
    struct evaluation *e = context;
    read_combination(e);
    const char *folder =
        arena_printf(e->arena, "%s/builds/%s", e->sweep->folder, e->combination->build);
    build_sources(e->arena, e->network, &e->build, folder);
    build_programs(&e->build, folder, NULL);
}

/* Does a run wait for the build of COMBINATION? */
static bool is_needed(const struct sweep *sweep, const struct combination *combination)
{
    for (int i = 0; i < sweep->runs.count; i++)
        if (sweep->runs.items[i].status == RUN_WAITING &&
            strcmp(sweep->runs.items[i].combination->build, combination->build) == 0)
            return true;
    return false;
}

static void build_all(struct sweep *sweep)
{
    int needed = 0, built = 0;
    for (int i = 0; i < sweep->combinations.count; i++)
        needed +=
            sweep->combinations.items[i].first && is_needed(sweep, &sweep->combinations.items[i]);
    if (needed)
        check_compiler(&sweep->options->build);
    for (int i = 0; i < sweep->combinations.count; i++) {
        struct combination *c = &sweep->combinations.items[i];
        if (!c->first || !is_needed(sweep, c))
            continue;
        printf("build %d/%d  %s/builds/%s\n", ++built, needed, sweep->folder, c->build);
        fflush(stdout);
        with_combination(sweep, c, build_one);
    }
}

/* ---- runs ---- */

/* LABEL as a file's name: what may be none becomes '_', and then, or where it is long, a digest
 * keeps it apart from others. */
static const char *file_name(struct arena *arena, const char *label)
{
    enum { LONGEST = 100 };
    bool changed = strlen(label) > LONGEST;
    char *name = arena_printf(arena, "%.*s", (int)LONGEST, label), hex[65];
    for (char *c = name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.=+-_,", *c)) {
            changed |= *c != ' '; /* between settings */
            *c = *c == ' ' ? ',' : '_';
        }
    if (!changed)
        return name;
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, label, strlen(label));
    sha256_end(&hash, hex);
    return arena_printf(arena, "%s-%.8s", name, hex);
}

static void list_runs(struct sweep *sweep)
{
    for (int s = 0; s < sweep->seeds.count; s++)
        for (int i = 0; i < sweep->combinations.count; i++) {
            const struct combination *c = &sweep->combinations.items[i];
            int64_t seed = sweep->seeds.items[s];
            const char *label = arena_printf(sweep->arena, "%s%sseed=%lld", c->label,
                                             *c->label ? " " : "", (long long)seed);
            struct sweep_run run = {
                .combination = c, .seed = seed, .id = file_name(sweep->arena, label)};
            vector_push(sweep->arena, &sweep->runs, run);
        }
}

/* ---- the whole ---- */

static void print_how_to_go_on(const struct sweep *sweep)
{
    int over = 0;
    for (int i = 0; i < sweep->runs.count; i++)
        over += sweep->runs.items[i].status != RUN_WAITING;
    printf("stopped after %d of %d runs; to go on:", over, sweep->runs.count);
    for (const char *const *word = sweep->options->command; *word; word++)
        lathe_print_word(stdout, *word);
    putchar('\n');
}

void sweep(struct arena *arena, const struct sweep_options *options)
{
    struct sweep sweep = {.arena = arena, .options = options};
    const struct network *network =
        spec_read(arena, options->spec, options->settings, options->setting_count);
    check_trains(options, network);
    sweep.digest = network->digest;
    read_keys(&sweep, network);
    list_combinations(&sweep);
    evaluate_all(&sweep);
    list_runs(&sweep);
    sweep.folder =
        options->folder ? options->folder : arena_printf(arena, "out/%s-sweep", sweep.name);
    check_folder(&sweep);
    open_record(&sweep);
    build_all(&sweep);
    if (!run_all(&sweep)) {
        print_how_to_go_on(&sweep);
        return;
    }
    print_table(&sweep);
    draw_picture(&sweep);
}
