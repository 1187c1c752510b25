/*
 * checkpoint: a run's state in files that are whole or not there, each with a checksum, so that one
 * that a disk has spoilt is told from one that can be trusted.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint.h"
#include "weights.h"

enum { KEPT = 2 };

static const char prefix[] = "checkpoint-", suffix[] = ".safetensors", lock_name[] = ".lock";

/* ---- the folder ---- */

/* FOLDER/NAME, freed by free(). */
static char *path_in(const char *folder, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        lathe_die(LATHE_RESOURCE, "out of memory: a path");
    return path;
}

char *lathe_checkpoint_path(const char *folder, uint64_t step)
{
    char name[64];
    snprintf(name, sizeof name, "%s%010" PRIu64 "%s", prefix, step, suffix);
    return path_in(folder, name);
}

static int is_checkpoint(const struct dirent *entry)
{
    const char *name = entry->d_name;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return 0;
    size_t digits = strspn(name + sizeof prefix - 1, "0123456789");
    return digits >= 10 && digits < 20 && !strcmp(name + sizeof prefix - 1 + digits, suffix);
}

/* A temporary file that a killed run left. */
static int is_litter(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t length = strlen(name);
    return name[0] == '.' && !strncmp(name + 1, prefix, sizeof prefix - 1) && length > 4 &&
           !strcmp(name + length - 4, ".tmp");
}

/* Newest first: names of equal width in their order, wider ones before. */
static int newest_first(const struct dirent **a, const struct dirent **b)
{
    size_t x = strlen((*a)->d_name), y = strlen((*b)->d_name);
    return x == y ? strcmp((*b)->d_name, (*a)->d_name) : x < y ? 1 : -1;
}

/* The checkpoints of FOLDER, newest first; each entry and the array are freed by free(). */
static int list(const char *folder, struct dirent ***entries)
{
    int count = scandir(folder, entries, is_checkpoint, newest_first);
    if (count < 0)
        lathe_die(LATHE_RESOURCE, "%s: cannot read: %s", folder, strerror(errno));
    return count;
}

/* Remove entries FIRST.. of FOLDER and free them all. */
static void remove_entries(const char *folder, struct dirent **entries, int count, int first)
{
    for (int i = 0; i < count; i++) {
        char *path = path_in(folder, entries[i]->d_name);
        if (i >= first)
            unlink(path);
        free(path);
        free(entries[i]);
    }
    free(entries);
}

/* The steps that ENTRY's name says. */
static uint64_t step_of(const struct dirent *entry)
{
    return strtoull(entry->d_name + sizeof prefix - 1, NULL, 10);
}

/* Leave the last two of a run that is at STEP. One of a later step is broken: the run was resumed
 * from before it. */
static void prune(const char *folder, uint64_t step)
{
    struct dirent **entries;
    int count = list(folder, &entries), later = 0;
    while (later < count && step_of(entries[later]) > step) {
        char *path = path_in(folder, entries[later]->d_name);
        unlink(path);
        free(path);
        later++;
    }
    remove_entries(folder, entries, count, later + KEPT);
    count = scandir(folder, &entries, is_litter, NULL);
    if (count >= 0)
        remove_entries(folder, entries, count, 0);
}

/* Have FOLDER to ourselves as long as this process lives: nothing closes the descriptor. */
static void lock_folder(const char *folder)
{
    char *path = path_in(folder, lock_name);
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0)
        lathe_die(LATHE_RESOURCE, "%s: cannot write: %s", path, strerror(errno));
    if (!lathe_lock(descriptor))
        lathe_die(LATHE_USER, "%s: another run that is under way keeps its checkpoints here",
                  folder);
    free(path);
}

int lathe_checkpoint_prepare(const char *folder)
{
    if (mkdir(folder, 0777) < 0 && errno != EEXIST)
        lathe_die(LATHE_RESOURCE, "%s: cannot make this folder: %s", folder, strerror(errno));
    lock_folder(folder);
    struct lathe_error error;
    char *probe = path_in(folder, prefix);
    if (!lathe_output_possible(probe, &error))
        lathe_die(error.status, "%s", error.message);
    free(probe);
    struct dirent **entries;
    int count = list(folder, &entries);
    remove_entries(folder, entries, count, count);
    return count;
}

/* ---- tensors ---- */

enum { BLOCKS = LATHE_MOMENTS + 2 };

/* The packed floats of a run, a block each: what the names of its tensors begin with, and whether
 * it holds the trainable parameters alone. */
struct block {
    const char *prefix;
    float *packed; /* NULL: there is none */
    bool trainable;
};

static void list_blocks(const struct lathe_moving *moving, struct block blocks[BLOCKS])
{
    static const char *const roles[LATHE_MOMENTS] = {"optimizer.first.", "optimizer.second.",
                                                     "optimizer.third."};
    blocks[0] = (struct block){"", moving->state, false};
    for (int i = 0; i < LATHE_MOMENTS; i++)
        blocks[i + 1] = (struct block){roles[i], moving->moments[i], true};
    blocks[LATHE_MOMENTS + 1] = (struct block){"optimizer.best.", moving->best, false};
}

/* What a checkpoint holds: parameters, moments of the trainable ones, the best parameters. */
struct contents {
    struct lathe_stored *tensors;
    int count;
    char **names;            /* of the tensors but for the parameters themselves */
    float **logical[BLOCKS]; /* arrays, or NULL */
};

/* Add the tensors of the block B. */
static void add_block(const struct lathe_model *model, struct contents *c, int b,
                      const struct block *block)
{
    c->logical[b] = lathe_logical_arrays(model);
    for (int i = 0; i < model->parameter_count; i++) {
        if (block->trainable && !model->parameters[i].trainable)
            continue;
        struct lathe_stored *tensor = &c->tensors[c->count];
        *tensor = lathe_parameter_stored(&model->parameters[i]);
        tensor->data = c->logical[b][i];
        if (asprintf(&c->names[c->count], "%s%s", block->prefix, model->parameters[i].name) < 0)
            lathe_die(LATHE_RESOURCE, "out of memory: a tensor's name");
        tensor->name = c->names[c->count++];
    }
}

static struct contents contents_new(const struct lathe_model *model,
                                    const struct lathe_moving *moving)
{
    size_t most = BLOCKS * (size_t)model->parameter_count;
    struct contents c = {.tensors = lathe_alloc(most, sizeof *c.tensors),
                         .names = lathe_alloc(most, sizeof *c.names)};
    struct block blocks[BLOCKS];
    list_blocks(moving, blocks);
    for (int b = 0; b < BLOCKS; b++)
        if (blocks[b].packed)
            add_block(model, &c, b, &blocks[b]);
    return c;
}

static void contents_free(struct contents *c)
{
    for (int i = 0; i < c->count; i++)
        free(c->names[i]);
    free(c->names);
    free(c->tensors);
    for (int b = 0; b < BLOCKS; b++)
        free(c->logical[b]);
}

/* Between the packed floats that training moves and C's logical arrays: into these where GATHER. */
static void convert(const struct lathe_model *model, const struct lathe_moving *moving,
                    const struct contents *c, bool gather)
{
    struct block blocks[BLOCKS];
    list_blocks(moving, blocks);
    for (int b = 0; b < BLOCKS; b++)
        for (int i = 0; c->logical[b] && i < model->parameter_count; i++) {
            const struct lathe_parameter *p = &model->parameters[i];
            if (blocks[b].trainable && !p->trainable)
                continue;
            if (gather)
                lathe_unpack(p, blocks[b].packed + p->offset, c->logical[b][i]);
            else
                lathe_pack(p, c->logical[b][i], blocks[b].packed + p->offset);
        }
}

/* ---- metadata: the run's numbers as text ---- */

enum { NUMBER_TEXT = 32, NUMBERS = 23, HEAD = 4 /* texts before the numbers */ };

/* One number of a run: WHOLE, or REAL where that is NULL (in hexadecimal: exact). */
struct number {
    const char *key;
    uint64_t *whole;
    double *real;
};

static void list_numbers(struct lathe_run *run, struct number numbers[NUMBERS])
{
    const struct number all[NUMBERS] = {
        {"seed", &run->seed, NULL},
        {"step", &run->step, NULL},
        {"samples", &run->samples, NULL},
        {"held", &run->held, NULL},
        {"places", &run->places, NULL},
        {"epochs", &run->epochs, NULL},
        {"batch", &run->batch, NULL},
        {"judged", &run->judged, NULL},
        {"lr", NULL, &run->lr},
        {"loss_sum", NULL, &run->loss_sum},
        {"correct", &run->correct, NULL},
        {"seen", &run->seen, NULL},
        {"skipped", &run->skipped, NULL},
        {"skipped_in_epoch", &run->skipped_in_epoch, NULL},
        {"skipped_in_row", &run->skipped_in_row, NULL},
        {"plateau_lr", NULL, &run->plateau.lr},
        {"plateau_best", NULL, &run->plateau.best},
        {"plateau_bad", &run->plateau.bad, NULL},
        {"plateau_cooling", &run->plateau.cooling, NULL},
        {"best_epoch", &run->best_epoch, NULL},
        {"best_loss", NULL, &run->best_loss},
        {"best_accuracy", NULL, &run->best_accuracy},
        {"log_start", &run->log_start, NULL},
    };
    memcpy(numbers, all, sizeof all);
}

static bool read_number(const struct lathe_tensors *file, const struct number *number,
                        struct lathe_error *error)
{
    const char *text = lathe_tensors_metadata(file, number->key);
    char *end = NULL;
    errno = 0;
    if (text && number->whole && isdigit((unsigned char)*text))
        *number->whole = strtoull(text, &end, 10);
    else if (text && number->real)
        *number->real = strtod(text, &end);
    if (!end || end == text || *end || (number->whole && errno))
        return lathe_fail(error, LATHE_USER, "%s: not a checkpoint: %s is %s", file->path,
                          number->key, text ? text : "missing");
    return true;
}

/* ---- writing and reading ---- */

void lathe_checkpoint_write(const struct lathe_model *model, const char *folder,
                            const struct lathe_run *run, const struct lathe_moving *moving)
{
    struct contents contents = contents_new(model, moving);
    convert(model, moving, &contents, true);
    struct lathe_run copy = *run;
    struct number numbers[NUMBERS];
    list_numbers(&copy, numbers);
    char texts[NUMBERS][NUMBER_TEXT];
    struct lathe_metadata metadata[HEAD + NUMBERS] = {
        {"lathe", model->provenance ? model->provenance : ""},
        {"network", model->name},
        {"recipe", run->recipe},
        {LATHE_SEAL, LATHE_UNSEALED}};
    for (int i = 0; i < NUMBERS; i++) {
        if (numbers[i].whole)
            snprintf(texts[i], NUMBER_TEXT, "%" PRIu64, *numbers[i].whole);
        else
            snprintf(texts[i], NUMBER_TEXT, "%a", *numbers[i].real);
        metadata[i + HEAD] = (struct lathe_metadata){numbers[i].key, texts[i]};
    }
    char *path = lathe_checkpoint_path(folder, run->step);
    struct lathe_error error;
    if (!lathe_tensors_write(path, contents.tensors, contents.count, metadata, NUMBERS + HEAD,
                             &error))
        lathe_die(error.status, "%s", error.message);
    free(path);
    contents_free(&contents);
    prune(folder, run->step);
}

/* FILE is of a run with RECIPE; dies where it is of another. */
static bool check_recipe(const struct lathe_tensors *file, const char *recipe,
                         struct lathe_error *error)
{
    char theirs[80], given[80];
    const char *found = lathe_tensors_metadata(file, "recipe");
    if (!found)
        return lathe_fail(error, LATHE_USER, "%s: not a checkpoint: recipe is missing", file->path);
    if (lathe_recipe_difference(found, recipe, theirs, given))
        lathe_die(LATHE_USER, "%s: of a run with %s, given %s", file->path, theirs, given);
    return true;
}

/* Read the checkpoint FILE into CONTENTS and RUN; nothing that training moves is touched. */
static bool read_contents(const struct lathe_model *model, const struct lathe_tensors *file,
                          struct contents *contents, struct lathe_run *run,
                          struct lathe_error *error)
{
    struct number numbers[NUMBERS];
    if (!lathe_tensors_check_seal(file, error))
        return false;
    list_numbers(run, numbers);
    for (int i = 0; i < NUMBERS; i++)
        if (!read_number(file, &numbers[i], error))
            return false;
    if (!check_recipe(file, run->recipe, error))
        return false;
    if (!lathe_read_parameters(model, file, contents->logical[0], NULL, error))
        lathe_die(error->status, "%s", error->message);
    for (int i = model->parameter_count; i < contents->count; i++)
        if (!lathe_read_stored(file, &contents->tensors[i], (float *)contents->tensors[i].data,
                               error))
            lathe_die(error->status, "%s", error->message);
    return true;
}

/* Another build of the network computes in another order, or is another network. */
static void compare_builds(const struct lathe_model *model, const struct lathe_tensors *file)
{
    const char *found = lathe_tensors_metadata(file, "lathe");
    const char *ours = model->provenance ? model->provenance : "";
    struct lathe_error note;
    if (!found || !strcmp(found, ours))
        return;
    lathe_fail(&note, LATHE_USER, "%s: of another build (%s): the run ends in other bits",
               file->path, found);
    fprintf(stderr, "%s\n", note.message);
}

static bool read_one(const struct lathe_model *model, const char *path, struct lathe_run *run,
                     const struct lathe_moving *moving)
{
    struct lathe_tensors file;
    struct lathe_error error;
    bool good = lathe_tensors_open(&file, path, &error);
    if (good) {
        struct contents contents = contents_new(model, moving);
        good = read_contents(model, &file, &contents, run, &error);
        if (good) {
            convert(model, moving, &contents, false);
            compare_builds(model, &file);
        }
        contents_free(&contents);
        lathe_tensors_close(&file);
    }
    if (!good)
        fprintf(stderr, "passed over: %s\n", error.message);
    return good;
}

bool lathe_checkpoint_read(const struct lathe_model *model, const char *folder,
                           struct lathe_run *run, const struct lathe_moving *moving)
{
    struct dirent **entries;
    int count = list(folder, &entries);
    bool found = false;
    for (int i = 0; i < count && !found; i++) {
        char *path = path_in(folder, entries[i]->d_name);
        found = read_one(model, path, run, moving);
        free(path);
    }
    remove_entries(folder, entries, count, count);
    if (count == 1 && !found)
        lathe_die(LATHE_USER, "%s: its only checkpoint is broken", folder);
    if (count && !found)
        lathe_die(LATHE_USER, "%s: all %d checkpoints are broken", folder, count);
    return found;
}
