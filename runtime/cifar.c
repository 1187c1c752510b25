/*
 * The binary version of CIFAR-10 and CIFAR-100 (www.cs.toronto.edu/~kriz/cifar.html). A file is a
 * row of records without a header:
 *
 *     CIFAR-10:  label, 3 x 32 x 32 bytes                 3073
 *     CIFAR-100: coarse label, fine label, 3 x 32 x 32    3074
 *
 * Any whole number of records is read; a broken one at the end is left out, with a warning.
 */
#include "data.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, COARSE_CLASSES = 20, FILES_MAX = 5 };

/* Open PATH into FILE; how many whole records of RECORD bytes it has. */
static int count_records(struct lathe_input *file, const char *path, int record)
{
    struct lathe_error error;
    if (!lathe_input_open(file, path, &error))
        lathe_die(error.status, "%s", error.message);
    unsigned long long size = file->size, records = size / (unsigned)record;
    if (records == 0)
        lathe_die(LATHE_USER, "%s: %llu bytes, a record has %d", path, size, record);
    if (records > INT_MAX / FILES_MAX)
        lathe_die(LATHE_USER, "%s: %llu records are too many", path, records);
    if (size % (unsigned)record != 0)
        fprintf(stderr, "warning: %s: the last %llu bytes are no whole record of %d, left out\n",
                path, size % (unsigned)record, record);
    return (int)records;
}

static void check_label(const char *path, int record, const char *kind, int label, int classes)
{
    if (label >= classes)
        lathe_die(LATHE_USER, "%s: record %d: %slabel is %d, expected 0 to %d", path, record, kind,
                  label, classes - 1);
}

/* Append RECORDS records of FILE to DATASET; LABEL_BYTES before each image, of which the last is
 * the label. */
static void append_records(const struct lathe_input *file, int records, int label_bytes,
                           struct lathe_dataset *dataset)
{
    struct lathe_error error;
    uint8_t record[2 + PIXELS];
    for (int i = 0; i < records; i++, dataset->count++) {
        if (!lathe_input_read(file, record, (size_t)label_bytes + PIXELS, &error))
            lathe_die(error.status, "%s", error.message);
        if (label_bytes == 2)
            check_label(file->path, i, "coarse ", record[0], COARSE_CLASSES);
        check_label(file->path, i, "", record[label_bytes - 1], dataset->classes);
        dataset->labels[dataset->count] = record[label_bytes - 1];
        memcpy(dataset->images + (size_t)dataset->count * PIXELS, record + label_bytes, PIXELS);
    }
}

void lathe_read_cifar(const struct lathe_search *search, bool train, struct lathe_dataset *dataset)
{
    static const char *const names[2][2][FILES_MAX + 1] = {
        {{"test_batch.bin"},
         {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
          "data_batch_5.bin"}},
        {{"test.bin"}, {"train.bin"}}};
    int label_bytes = dataset->classes == 100 ? 2 : 1;
    const char *const *wanted = names[label_bytes - 1][train];
    char *folder = lathe_find_folder(search, wanted);
    struct lathe_input inputs[FILES_MAX];
    char *paths[FILES_MAX];
    int records[FILES_MAX], files = 0;
    size_t total = 0;
    for (; *wanted; wanted++) {
        const char *const one[] = {*wanted, NULL};
        if (!(paths[files] = lathe_find_file(folder, one)))
            continue;
        records[files] = count_records(&inputs[files], paths[files], label_bytes + PIXELS);
        total += (size_t)records[files++];
    }
    dataset->channels = 3;
    dataset->height = dataset->width = SIDE;
    dataset->images = lathe_alloc(total, PIXELS);
    dataset->labels = lathe_alloc(total, sizeof *dataset->labels);
    for (int i = 0; i < files; i++) {
        append_records(&inputs[i], records[i], label_bytes, dataset);
        lathe_input_close(&inputs[i]);
        free(paths[i]);
    }
    free(folder);
}
