/*
 * Folders of pictures, a folder a class:
 *
 *     DIR/train/CLASS/NAME.png, jpg, jpeg, bmp, ppm, pgm
 *     DIR/test/CLASS/ or DIR/val/CLASS/
 *
 * Classes are numbered in the order of their names (bytes), those of DIR/train where it is there.
 * Samples lie class by class, in the order of the files' names. Every file that is wanted is
 * decoded once in the beginning, so that a bad one is known before the first step; the bytes are
 * kept where all of them take lathe_image_memory at most, else a batch decodes its files again.
 */
#include "data.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

size_t lathe_image_memory = (size_t)1 << 31;

enum { NAMES_MAX = 1 << 26 };

struct names {
    char **items;
    int count, capacity;
};

static void add_name(struct names *names, char *name)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? 2 * names->capacity : 64;
        char **items = lathe_alloc((size_t)names->capacity, sizeof *items);
        if (names->count)
            memcpy(items, names->items, (size_t)names->count * sizeof *items);
        free(names->items);
        names->items = items;
    }
    names->items[names->count++] = name;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Does NAME end as pictures do? */
static bool is_picture(const char *name)
{
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i]))
            return true;
    return false;
}

static char *copy_name(const char *name)
{
    size_t bytes = strlen(name) + 1;
    return memcpy(lathe_alloc(bytes, 1), name, bytes);
}

/* The names in FOLDER, sorted: of its folders, or of its pictures; hidden ones left out. */
static struct names list(const char *folder, bool folders)
{
    struct names names = {0};
    DIR *directory = opendir(folder);
    if (!directory)
        lathe_die(LATHE_USER, "%s: %s", folder, strerror(errno));
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.' || (!folders && !is_picture(entry->d_name)))
            continue;
        char *path = lathe_join(folder, entry->d_name);
        if (is_folder(path) == folders)
            add_name(&names, copy_name(entry->d_name));
        free(path);
        if (names.count == NAMES_MAX)
            lathe_die(LATHE_USER, "%s: more than %d files", folder, NAMES_MAX);
    }
    closedir(directory);
    if (names.count)
        qsort(names.items, (size_t)names.count, sizeof *names.items, by_name);
    return names;
}

static void free_names(struct names *names)
{
    for (int i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    *names = (struct names){0};
}

/* The folder of the part that is wanted; freed by free(). */
static char *find_part(const char *folder, bool train)
{
    static const char *const parts[] = {"train", "test", "val"};
    for (int i = train ? 0 : 1; i < (train ? 1 : 3); i++) {
        char *path = lathe_join(folder, parts[i]);
        if (is_folder(path))
            return path;
        free(path);
    }
    lathe_die(LATHE_USER, "images: no folder %s in %s", train ? "train" : "test or val", folder);
}

/* The classes: folders of FOLDER/train, or where that is not there of PART. */
static struct names list_classes(const char *folder, const char *part, int classes)
{
    char *train = lathe_join(folder, "train");
    const char *from = is_folder(train) ? train : part;
    struct names names = list(from, true);
    if (names.count != classes)
        lathe_die(LATHE_USER, "%s: %d folders of classes, the network tells %d apart", from,
                  names.count, classes);
    free(train);
    return names;
}

/* The number of the class called NAME, or -1. */
static int class_of(const struct names *classes, const char *name)
{
    char *const *found =
        bsearch(&name, classes->items, (size_t)classes->count, sizeof *classes->items, by_name);
    return found ? (int)(found - classes->items) : -1;
}

/* All pictures of PART into PATHS, the places in it where each of the CLASSES begins into STARTS.
 */
static void list_pictures(const char *part, const struct names *classes, struct names *paths,
                          int *starts)
{
    struct names folders = list(part, true);
    for (int i = 0; i < folders.count; i++)
        if (class_of(classes, folders.items[i]) < 0)
            lathe_die(LATHE_USER, "%s/%s: a class that is not in train", part, folders.items[i]);
    free_names(&folders);
    for (int c = 0; c < classes->count; c++) {
        starts[c] = paths->count;
        char *folder = lathe_join(part, classes->items[c]);
        struct names pictures = {0};
        if (is_folder(folder))
            pictures = list(folder, false);
        for (int i = 0; i < pictures.count; i++)
            add_name(paths, lathe_join(folder, pictures.items[i]));
        free_names(&pictures);
        free(folder);
    }
    starts[classes->count] = paths->count;
    if (!paths->count)
        lathe_die(LATHE_USER, "%s: no pictures (.png, .jpg, .jpeg, .bmp, .ppm, .pgm)", part);
}

/* Keep what the subset and the limit want, spread over all classes, in DATASET's paths and labels.
 * Takes PATHS' names. */
static void choose(const struct lathe_data *data, const struct lathe_opening *opening,
                   struct names *paths, const int *starts, struct lathe_dataset *dataset)
{
    double subset = opening->train ? data->subset : 1;
    int all = lathe_subset_count(paths->count, subset);
    int kept = opening->limit > 0 && opening->limit < all ? opening->limit : all;
    dataset->paths = lathe_alloc((size_t)kept, sizeof *dataset->paths);
    dataset->labels = lathe_alloc((size_t)kept, sizeof *dataset->labels);
    for (int i = 0, label = 0; i < kept; i++) {
        int place = lathe_subset_place((int)((int64_t)i * all / kept), subset);
        while (place >= starts[label + 1])
            label++;
        dataset->paths[i] = paths->items[place];
        dataset->labels[i] = label;
        paths->items[place] = NULL;
    }
    dataset->count = kept;
    free_names(paths);
}

/* Decode every file, into DATASET's images where they are kept; the reasons of those that cannot be
 * into REASONS. */
static void decode_all(struct lathe_dataset *dataset, char **reasons)
{
    size_t bytes = (size_t)dataset->channels * dataset->height * dataset->width;
#pragma omp parallel
    {
        uint8_t *pixels = lathe_alloc(bytes, 1);
#pragma omp for schedule(dynamic, 4)
        for (int i = 0; i < dataset->count; i++) {
            struct lathe_error error;
            uint8_t *into = dataset->images ? dataset->images + i * bytes : pixels;
            if (!lathe_decode_image(dataset->paths[i], dataset->channels, dataset->height,
                                    dataset->width, into, &error))
                reasons[i] = copy_name(error.message);
        }
        free(pixels);
    }
}

/* Name the files that have REASONS and leave them out, or die of the first. */
static void leave_out(struct lathe_dataset *dataset, char **reasons, bool skip_bad)
{
    size_t bytes = (size_t)dataset->channels * dataset->height * dataset->width;
    int kept = 0;
    for (int i = 0; i < dataset->count; i++) {
        if (reasons[i] && !skip_bad)
            lathe_die(LATHE_USER, "%s (--on-bad-file skip leaves such files out)", reasons[i]);
        if (reasons[i]) {
            fprintf(stderr, "left out: %s\n", reasons[i]);
            free(reasons[i]);
            free(dataset->paths[i]);
            continue;
        }
        if (dataset->images && kept < i)
            memcpy(dataset->images + kept * bytes, dataset->images + i * bytes, bytes);
        dataset->labels[kept] = dataset->labels[i];
        dataset->paths[kept++] = dataset->paths[i];
    }
    if (!kept)
        lathe_die(LATHE_USER, "images: none of %d files can be read", dataset->count);
    dataset->count = kept;
}

void lathe_read_folders(const struct lathe_data *data, const struct lathe_opening *opening,
                        struct lathe_dataset *dataset)
{
    char *part = find_part(opening->folder, opening->train);
    struct names classes = list_classes(opening->folder, part, data->classes), paths = {0};
    int *starts = lathe_alloc((size_t)classes.count + 1, sizeof *starts);
    list_pictures(part, &classes, &paths, starts);
    choose(data, opening, &paths, starts, dataset);
    dataset->class_names = classes.items;
    dataset->channels = data->channels;
    dataset->height = data->load_height;
    dataset->width = data->load_width;
    size_t bytes = (size_t)dataset->channels * dataset->height * dataset->width;
    if (bytes <= lathe_image_memory / (size_t)dataset->count)
        dataset->images = lathe_alloc((size_t)dataset->count, bytes);
    char **reasons = lathe_alloc((size_t)dataset->count, sizeof *reasons);
    decode_all(dataset, reasons);
    leave_out(dataset, reasons, opening->skip_bad);
    if (dataset->images) { /* the files have done their part */
        for (int i = 0; i < dataset->count; i++)
            free(dataset->paths[i]);
        free(dataset->paths);
        dataset->paths = NULL;
    }
    free(reasons);
    free(starts);
    free(part);
}
