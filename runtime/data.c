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
    int classes; /* 0: as the network has it */
    const char *folders[4];
};

static const struct source sources[] = {
    [LATHE_MNIST] = {"mnist", 10, {"mnist", "MNIST/raw", ""}},
    [LATHE_FASHION_MNIST] = {"fashion-mnist", 10, {"fashion-mnist", "FashionMNIST/raw", ""}},
    [LATHE_CIFAR10] = {"cifar-10", 10, {"cifar-10", "cifar-10-batches-bin", ""}},
    [LATHE_CIFAR100] = {"cifar-100", 100, {"cifar-100", "cifar-100-binary", ""}},
    [LATHE_DIGITS] = {"digits", 10, {NULL}},
    [LATHE_XOR] = {"xor", 2, {NULL}},
    [LATHE_LINEAR] = {"linear", 0, {NULL}},
    [LATHE_MAX] = {"max", 0, {NULL}},
    [LATHE_LOGSUMEXP] = {"logsumexp", 0, {NULL}},
    [LATHE_IMAGES] = {"images", 0, {""}},
    [LATHE_ARRAYS] = {"arrays", 0, {""}},
    [LATHE_NO_DATA] = {"no data", 0, {NULL}},
};

bool lathe_needs_folder(const struct lathe_data *data)
{
    return sources[data->source].folders[0] != NULL;
}

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

void lathe_move_sample(struct lathe_dataset *dataset, int from, int to)
{
    size_t numbers = (size_t)dataset->channels * dataset->height * dataset->width;
    size_t targets = (size_t)dataset->targets;
    if (from == to)
        return;
    if (dataset->labels)
        dataset->labels[to] = dataset->labels[from];
    if (dataset->values)
        memcpy(dataset->values + to * targets, dataset->values + from * targets,
               targets * sizeof(float));
    if (dataset->paths) { /* change places, so that each is freed once */
        char *held = dataset->paths[to];
        dataset->paths[to] = dataset->paths[from];
        dataset->paths[from] = held;
    }
    if (dataset->images)
        memcpy(dataset->images + to * numbers, dataset->images + from * numbers, numbers);
    if (dataset->points)
        memcpy(dataset->points + to * numbers, dataset->points + from * numbers,
               numbers * sizeof(float));
}

/* Makes up for subsets such as 0.1 that are no exact double. */
static const double rounding = 1e-6;

int lathe_subset_count(int count, double subset)
{
    int kept = (int)(count * subset + rounding);
    return kept < 1 ? 1 : kept;
}

int lathe_subset_place(int i, double subset)
{
    return (int)(i / subset + rounding);
}

static void keep_subset(struct lathe_dataset *dataset, double subset)
{
    int kept = lathe_subset_count(dataset->count, subset);
    for (int i = 0; i < kept; i++)
        lathe_move_sample(dataset, lathe_subset_place(i, subset), i);
    dataset->count = kept;
}

/* Die where DATASET cannot feed a network that takes what DATA says. */
static void check_network(const struct lathe_data *data, const struct lathe_dataset *dataset)
{
    if (data->classes && dataset->classes > data->classes)
        lathe_die(LATHE_USER, "%s has %d classes, the network tells %d apart", dataset->name,
                  dataset->classes, data->classes);
    bool same = dataset->channels == data->channels && dataset->height == data->height &&
                dataset->width == data->width;
    if (dataset->points && dataset->height * dataset->width == 1 && !same)
        lathe_die(LATHE_USER, "%s has points of %d numbers, the network takes %dx%dx%d",
                  dataset->name, dataset->channels, data->channels, data->height, data->width);
    lathe_check_augmentation(data, dataset);
}

/* Fill DATASET, whose name and classes are set, from its source. */
static void read_source(const struct lathe_data *data, const struct lathe_opening *opening,
                        struct lathe_dataset *dataset)
{
    bool train = opening->train;
    const struct lathe_search search = {dataset->name, opening->folder,
                                        sources[data->source].folders};
    if (!opening->folder && lathe_needs_folder(data))
        lathe_die(LATHE_USER, "%s: no folder of data; give --data DIR", dataset->name);
    switch (data->source) {
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
    case LATHE_LINEAR:
    case LATHE_MAX:
    case LATHE_LOGSUMEXP:
        lathe_make_points(data, train, dataset);
        break;
    case LATHE_IMAGES:
        lathe_read_folders(data, opening, dataset);
        break;
    case LATHE_ARRAYS:
        lathe_read_arrays(data, opening->folder, train, dataset);
        break;
    case LATHE_NO_DATA:
        lathe_die(LATHE_USER, "the network's spec has no data set");
    }
}

/* Normalise as DATA says, or not at all where it leaves that to the training set. */
static void normalise_first(const struct lathe_data *data, struct lathe_dataset *dataset)
{
    size_t channels = (size_t)dataset->channels;
    float *numbers = lathe_alloc(2 * channels, sizeof *numbers);
    bool given = !data->measured && channels <= 4;
    for (size_t c = 0; c < channels; c++) {
        numbers[c] = given ? data->mean[c] : 0;
        numbers[channels + c] = given ? data->deviation[c] : 1;
    }
    lathe_normalise(dataset, numbers, numbers + channels);
    free(numbers);
}

struct lathe_dataset *lathe_open_part(const struct lathe_data *data,
                                      const struct lathe_opening *opening)
{
    const struct source *source = &sources[data->source];
    struct lathe_dataset *dataset = lathe_alloc(1, sizeof *dataset);
    dataset->name = source->name;
    dataset->classes = source->classes ? source->classes : data->classes;
    if (!(data->subset > 0 && data->subset <= 1))
        lathe_die(LATHE_USER, "%s: subset %g is not in (0, 1]", dataset->name, data->subset);
    read_source(data, opening, dataset);
    check_network(data, dataset);
    if (data->source != LATHE_IMAGES) { /* of images only what is wanted was read */
        if (opening->train)
            keep_subset(dataset, data->subset);
        if (opening->limit > 0 && opening->limit < dataset->count)
            dataset->count = opening->limit;
    }
    normalise_first(data, dataset);
    return dataset;
}

struct lathe_dataset *lathe_open_dataset(const struct lathe_data *data, const char *folder,
                                         bool train, int limit)
{
    const struct lathe_opening opening = {folder, train, limit, false};
    return lathe_open_part(data, &opening);
}

static void free_names(char **names, int count)
{
    for (int i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}

void lathe_close_dataset(struct lathe_dataset *dataset)
{
    if (!dataset)
        return;
    free(dataset->images);
    free(dataset->points);
    free(dataset->labels);
    free(dataset->values);
    free_names(dataset->paths, dataset->count);
    free_names(dataset->class_names, dataset->classes);
    free(dataset->mean);
    free(dataset->deviation);
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
