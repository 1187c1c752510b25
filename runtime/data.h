/*
 * Data sets: reading files, making points and digits where there are none, shuffling, augmentation,
 * normalisation, batches; and single images for `infer IMAGE...`.
 *
 *     folder --idx.c, cifar.c, images.c, arrays.c, digits.c, points.c--> dataset
 *     dataset (bytes, floats or files) --augment.c--> batch (normalised floats) --loader.c--> step
 *     image  --image.c--> normalised floats
 *
 * Everything random here is a function of (seed, epoch, place of the sample), so batches have the
 * same bits whatever the number of threads.
 */
#ifndef LATHE_DATA_H
#define LATHE_DATA_H

#include "file.h"
#include "lathe.h"

/* A data set. One of images, points and paths is set, the others are NULL: bytes, floats, or files
 * that are decoded whenever a batch needs them. */
struct lathe_dataset {
    const char *name; /* "mnist": what error messages call it */
    int count, channels, height, width;
    int classes;              /* labels are 0 .. classes - 1 */
    uint8_t *images;          /* count x channels x height x width */
    float *points;            /* count x channels x height x width */
    char **paths;             /* count */
    int32_t *labels;          /* count; NULL: none */
    int targets;              /* numbers a sample is to become */
    float *values;            /* count x targets; NULL: none */
    char **class_names;       /* classes, where the set has names of its own; else NULL */
    float *mean, *deviation;  /* channels each: what normalisation uses */
    float normalised[4][256]; /* what a byte becomes, a channel; of sets with 4 at most */
};

/* Which part of a data set is wanted. */
struct lathe_opening {
    const char *folder; /* what --data gave: the folder of the files or a parent of it (see data.c);
                           NULL: none, which is enough for digits and points */
    bool train;         /* the training set, of which DATA's subset is kept; else the test set */
    int limit;          /* at most so many samples; 0: all */
    bool skip_bad;      /* files that are no image are named on stderr and left out; else it dies */
};

/* The training or the test set of DATA's source. A limit keeps the first samples, of folders of
 * images every so-manieth. Dies with one line where a file is missing or broken, or the samples
 * cannot be what the network takes. Normalises as DATA says; where that is measured, not at all
 * until lathe_normalise is called. */
struct lathe_dataset *lathe_open_part(const struct lathe_data *data,
                                      const struct lathe_opening *opening);
/* The same by single arguments; dies of bad files. */
struct lathe_dataset *lathe_open_dataset(const struct lathe_data *data, const char *folder,
                                         bool train, int limit);
/* Free DATASET; NULL is nothing to do. */
void lathe_close_dataset(struct lathe_dataset *dataset);

/* Does DATA's source read files, so that --data DIR is needed? */
bool lathe_needs_folder(const struct lathe_data *data);

/* Fill ORDER with a permutation of 0 .. count - 1 that depends on (count, seed, epoch) alone. */
void lathe_shuffle(uint32_t *order, int count, uint64_t seed, int epoch);

/* What a batch is made of: samples order[first], order[first + 1], ... (order NULL: 0, 1, 2, ...),
 * count of them. train: the augmentation is random, keyed by (seed, sample's place, epoch); else it
 * is what test sets get: windows in the middle, nothing flipped, turned or coloured. */
struct lathe_pick {
    const uint32_t *order;
    int first, count;
    bool train;
    uint64_t seed;
    int epoch;
};

/* Fill BATCH with what PICK says. BATCH's arrays are the caller's, with room for so many samples of
 * data->channels x height x width; labels and targets are filled where they are not NULL. Targets:
 * one-hot over data->classes; where classes is 0 the set's values, its labels as numbers, or the
 * input. False, with ERROR, where a file cannot be decoded any more. */
bool lathe_try_fill_batch(const struct lathe_data *data, const struct lathe_dataset *dataset,
                          const struct lathe_pick *pick, struct lathe_batch *batch,
                          struct lathe_error *error);
/* The same by single arguments; dies of bad files. */
void lathe_fill_batch(const struct lathe_data *data, const struct lathe_dataset *dataset,
                      const uint32_t *order, int first, int count, bool train, uint64_t seed,
                      int epoch, struct lathe_batch *batch);

/* Is a batch of DATASET costly to fill: files to decode, or images to be sampled anew? */
bool lathe_costs_time(const struct lathe_data *data, const struct lathe_dataset *dataset);

/* The mean and the standard deviation (over all numbers, that is divided by their count) of each
 * channel of DATASET as it lies there, bytes as x / 255, before any augmentation. Exact sums of
 * bytes, double sums of floats in the set's order. A channel that never changes has deviation 1.
 * MEAN and DEVIATION have room for dataset->channels. */
void lathe_measure(const struct lathe_dataset *dataset, float *mean, float *deviation);
/* From now on DATASET's batches become (x - MEAN) / DEVIATION, a channel. Where they do already,
 * DATASET is not touched: another thread may read it. */
void lathe_normalise(struct lathe_dataset *dataset, const float *mean, const float *deviation);

/* Read the image file PATH (PNM; PNG, JPEG and BMP where stb_image.h was there at the build) into
 * PIXELS, data->channels x height x width, as DATA's test set is: grey and colour are converted,
 * the image is scaled until it just covers load_height x load_width and its centre is cut out, then
 * what DATA's augmentation does to test sets and its normalisation follow. Dies with one line that
 * names PATH where that cannot be. */
void lathe_read_image(const struct lathe_data *data, const char *path, float *pixels);

/* ---- between the files of this room ---- */

/* The largest side of a data set's image, before and after augmentation. */
enum { LATHE_SIDE_MAX = 1024 };

/* Decoded images are kept in memory where all of a set take so many bytes at most; else each batch
 * decodes its own. 2 GiB; tests set it. */
extern size_t lathe_image_memory;

/* Where a data set's files may lie: ROOT/folders[0], ... up to a NULL; "" is ROOT itself. */
struct lathe_search {
    const char *set, *root;
    const char *const *folders;
};

/* FOLDER/NAME; freed by free(). */
char *lathe_join(const char *folder, const char *name);
/* The path of the first of NAMES (ending in NULL) that is in FOLDER, or NULL; freed by free(). */
char *lathe_find_file(const char *folder, const char *const *names);
/* The first folder of SEARCH that holds one of NAMES; dies, naming the first of NAMES and all the
 * folders, where none does. Freed by free(). */
char *lathe_find_folder(const struct lathe_search *search, const char *const *names);

/* How many of COUNT samples the share SUBSET keeps, at least one; and which: kept sample I is
 * sample lathe_subset_place(i) of all, 0, 1 / subset, 2 / subset, ... rounded down. */
int lathe_subset_count(int count, double subset);
int lathe_subset_place(int i, double subset);
/* Move sample FROM of DATASET to place TO, which is not behind it. */
void lathe_move_sample(struct lathe_dataset *dataset, int from, int to);

/* Each fills count, channels, height, width, images or points, labels and values of DATASET, whose
 * name and classes are set, or dies. lathe_read_folders keeps only what OPENING and DATA's subset
 * want. */
void lathe_read_idx(const struct lathe_search *search, bool train, struct lathe_dataset *dataset);
void lathe_read_cifar(const struct lathe_search *search, bool train, struct lathe_dataset *dataset);
void lathe_draw_digits(bool train, struct lathe_dataset *dataset);
void lathe_make_points(const struct lathe_data *data, bool train, struct lathe_dataset *dataset);
void lathe_read_arrays(const struct lathe_data *data, const char *folder, bool train,
                       struct lathe_dataset *dataset);
void lathe_read_folders(const struct lathe_data *data, const struct lathe_opening *opening,
                        struct lathe_dataset *dataset);

/* Decode the image file PATH into CHANNELS (1 or 3) planes of HEIGHT x WIDTH bytes: scaled until it
 * just covers them, the middle cut out. False, with ERROR naming PATH, where it is no whole image.
 * May be called by several threads. */
bool lathe_decode_image(const char *path, int channels, int height, int width, uint8_t *bytes,
                        struct lathe_error *error);

/* Die where DATA's augmentation cannot turn DATASET's images into what the network takes. */
void lathe_check_augmentation(const struct lathe_data *data, const struct lathe_dataset *dataset);
/* Fill TABLE with (x / 255 - mean) / deviation of every byte x. */
void lathe_normalisation(float mean, float deviation, float table[256]);

#endif
