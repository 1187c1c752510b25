/*
 * Opening a data set: which source, where its files are, which part of it is kept; and the order in
 * which an epoch goes through it.
 */
#include "data.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "random.h"

/* What is known of a source before anything is read, and the folders below --data DIR in which its
 * files are looked for, in order: lathe's own name, the names in the official archives, DIR. */
struct source {
    const char *name;
    int classes;
    const char *folders[4];
};

static const struct source sources[] = {
    [LATHE_MNIST] = {"mnist", 10, {"mnist", "MNIST/raw", ""}},
    [LATHE_FASHION_MNIST] = {"fashion-mnist", 10, {"fashion-mnist", "FashionMNIST/raw", ""}},
    [LATHE_CIFAR10] = {"cifar-10", 10, {"cifar-10", "cifar-10-batches-bin", ""}},
    [LATHE_CIFAR100] = {"cifar-100", 100, {"cifar-100", "cifar-100-binary", ""}},
    [LATHE_DIGITS] = {"digits", 10, {NULL}},
    [LATHE_XOR] = {"xor", 2, {NULL}},
};

char *lathe_join(const char *folder, const char *name)
{
    size_t length = strlen(folder), rest = strlen(name);
    bool slash = length > 0 && rest > 0 && folder[length - 1] != '/';
    char *path = lathe_alloc(length + slash + rest + 1, 1);
    memcpy(path, folder, length);
    path[length] = '/';
    memcpy(path + length + slash, name, rest + 1);
    return path;
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

char *lathe_find_file(const char *folder, const char *const *names)
{
    for (; *names; names++) {
        char *path = lathe_join(folder, *names);
        if (is_file(path))
            return path;
        free(path);
    }
    return NULL;
}

/* "a, b, c": the folders of SEARCH. */
static char *list_folders(const struct lathe_search *search)
{
    size_t bytes = 1;
    for (const char *const *name = search->folders; *name; name++)
        bytes += strlen(search->root) + strlen(*name) + 3;
    char *list = lathe_alloc(bytes, 1);
    for (const char *const *name = search->folders; *name; name++) {
        char *folder = lathe_join(search->root, *name);
        if (*list)
            strcat(list, ", ");
        strcat(list, folder);
        free(folder);
    }
    return list;
}

char *lathe_find_folder(const struct lathe_search *search, const char *const *names)
{
    for (const char *const *name = search->folders; *name; name++) {
        char *folder = lathe_join(search->root, *name);
        char *path = lathe_find_file(folder, names);
        if (path) {
            free(path);
            return folder;
        }
        free(folder);
    }
    lathe_die(LATHE_USER, "%s: no file %s in %s", search->set, *names, list_folders(search));
}

/* The four points of exclusive or. */
static void fill_xor(struct lathe_dataset *dataset)
{
    dataset->count = 4;
    dataset->channels = 2;
    dataset->height = dataset->width = 1;
    dataset->points = lathe_alloc(8, sizeof(float));
    dataset->labels = lathe_alloc(4, sizeof(int32_t));
    for (int i = 0; i < 4; i++) {
        dataset->points[2 * i] = (float)(i >> 1);
        dataset->points[2 * i + 1] = (float)(i & 1);
        dataset->labels[i] = (i >> 1) ^ (i & 1);
    }
}

/* Move sample FROM of DATASET to place TO, which is not behind it. */
static void move_sample(struct lathe_dataset *dataset, int from, int to)
{
    size_t numbers = (size_t)dataset->channels * dataset->height * dataset->width;
    if (from == to)
        return;
    dataset->labels[to] = dataset->labels[from];
    if (dataset->images)
        memcpy(dataset->images + to * numbers, dataset->images + from * numbers, numbers);
    else
        memcpy(dataset->points + to * numbers, dataset->points + from * numbers,
               numbers * sizeof(float));
}

/* Keep the samples 0, 1 / subset, 2 / subset, ... rounded down. The small number makes up for
 * subsets such as 0.1 that are no exact double. */
static void keep_subset(struct lathe_dataset *dataset, double subset)
{
    const double rounding = 1e-6;
    if (!(subset > 0 && subset <= 1))
        lathe_die(LATHE_USER, "%s: subset %g is not in (0, 1]", dataset->name, subset);
    int kept = (int)(dataset->count * subset + rounding);
    if (kept < 1)
        kept = 1;
    for (int i = 0; i < kept; i++)
        move_sample(dataset, (int)(i / subset + rounding), i);
    dataset->count = kept;
}

/* Die where DATASET cannot feed a network that takes what DATA says. */
static void check_network(const struct lathe_data *data, const struct lathe_dataset *dataset)
{
    if (data->classes && dataset->classes > data->classes)
        lathe_die(LATHE_USER, "%s has %d classes, the network tells %d apart", dataset->name,
                  dataset->classes, data->classes);
    if (dataset->images) {
        lathe_check_augmentation(data, dataset);
        return;
    }
    if (dataset->channels != data->channels || data->height != 1 || data->width != 1)
        lathe_die(LATHE_USER, "%s has points of %d numbers, the network takes %dx%dx%d",
                  dataset->name, dataset->channels, data->channels, data->height, data->width);
}

/* Fill DATASET, whose name and classes are set, from its source. */
static void read_source(enum lathe_source source, const char *folder, bool train,
                        struct lathe_dataset *dataset)
{
    const struct lathe_search search = {dataset->name, folder, sources[source].folders};
    if (!folder && *search.folders)
        lathe_die(LATHE_USER, "%s: no folder of data; give --data DIR", dataset->name);
    switch (source) {
    case LATHE_MNIST:
    case LATHE_FASHION_MNIST:
        lathe_read_idx(&search, train, dataset);
        break;
    case LATHE_CIFAR10:
    case LATHE_CIFAR100:
        lathe_read_cifar(&search, train, dataset);
        break;
    case LATHE_DIGITS:
        lathe_draw_digits(train, dataset);
        break;
    case LATHE_XOR:
        fill_xor(dataset);
        break;
    }
}

struct lathe_dataset *lathe_open_dataset(const struct lathe_data *data, const char *folder,
                                         bool train, int limit)
{
    struct lathe_dataset *dataset = lathe_alloc(1, sizeof *dataset);
    dataset->name = sources[data->source].name;
    dataset->classes = sources[data->source].classes;
    read_source(data->source, folder, train, dataset);
    check_network(data, dataset);
    if (train)
        keep_subset(dataset, data->subset);
    if (limit > 0 && limit < dataset->count)
        dataset->count = limit;
    if (dataset->images)
        for (int c = 0; c < dataset->channels; c++)
            lathe_normalisation(data->mean[c], data->deviation[c], dataset->normalised[c]);
    return dataset;
}

void lathe_close_dataset(struct lathe_dataset *dataset)
{
    if (!dataset)
        return;
    free(dataset->images);
    free(dataset->points);
    free(dataset->labels);
    free(dataset);
}

/* Fisher and Yates from the end; the draw for place i is number i of the stream. */
void lathe_shuffle(uint32_t *order, int count, uint64_t seed, int epoch)
{
    struct lathe_random4 block = {{0}};
    for (int i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (int i = count - 1; i > 0; i--) {
        if (i == count - 1 || i % 4 == 3)
            block = lathe_random(seed, LATHE_STREAM_SHUFFLE, (uint32_t)epoch, 0, (uint32_t)i / 4);
        uint32_t j = (uint32_t)((uint64_t)block.v[i % 4] * ((uint32_t)i + 1) >> 32);
        uint32_t held = order[i];
        order[i] = order[j];
        order[j] = held;
    }
}
