/*
 * Data sets: reading the official files, drawing digits where there are none, shuffling,
 * augmentation, batches; and single images for `infer IMAGE...`.
 *
 *     folder --idx.c, cifar.c, digits.c--> dataset (bytes) --augment.c--> batch (normalised floats)
 *     image  --image.c--> normalised floats
 *
 * Everything random here is a function of (seed, epoch, place of the sample), so batches have the
 * same bits whatever the number of threads.
 */
#ifndef LATHE_DATA_H
#define LATHE_DATA_H

#include "lathe.h"

/* A data set in memory. Either images or points is set, the other is NULL. */
struct lathe_dataset {
    const char *name; /* "mnist": what error messages call it */
    int count, channels, height, width;
    int classes;              /* labels are 0 .. classes - 1 */
    uint8_t *images;          /* count x channels x height x width */
    float *points;            /* count x channels */
    int32_t *labels;          /* count */
    float normalised[4][256]; /* what a byte becomes, a channel */
};

/* The training or the test set of DATA's source. FOLDER is what --data gave: the folder of the
 * files or a parent of it (see data.c); NULL for none, which is enough for digits and xor. TRAIN:
 * only DATA's subset is kept. LIMIT: at most so many samples, the first; 0: all. Dies with one line
 * where a file is missing or broken, or the images cannot be what the network takes. */
struct lathe_dataset *lathe_open_dataset(const struct lathe_data *data, const char *folder,
                                         bool train, int limit);
/* Free DATASET; NULL is nothing to do. */
void lathe_close_dataset(struct lathe_dataset *dataset);

/* Fill ORDER with a permutation of 0 .. count - 1 that depends on (count, seed, epoch) alone. */
void lathe_shuffle(uint32_t *order, int count, uint64_t seed, int epoch);

/* Fill BATCH with the COUNT samples order[first], order[first + 1], ... (ORDER NULL: 0, 1, 2, ...).
 * BATCH's arrays are the caller's, with room for COUNT samples of data->channels x height x width;
 * labels and targets are filled where they are not NULL. Targets: one-hot over data->classes, or
 * the label as one number where classes is 0. TRAIN: DATA's augmentation, keyed by (seed, sample's
 * place, epoch); else the windows of its crops are centred and nothing is flipped. */
void lathe_fill_batch(const struct lathe_data *data, const struct lathe_dataset *dataset,
                      const uint32_t *order, int first, int count, bool train, uint64_t seed,
                      int epoch, struct lathe_batch *batch);

/* Read the image file PATH (PNM; PNG, JPEG and BMP where stb_image.h was there at the build) into
 * PIXELS, data->channels x height x width, normalised as DATA's set is: grey and colour are
 * converted, the image is scaled until it just covers height x width and its centre is cut out.
 * Dies with one line that names PATH where that cannot be. */
void lathe_read_image(const struct lathe_data *data, const char *path, float *pixels);

/* ---- between the files of this room ---- */

/* The largest side of a data set's image, before and after augmentation. */
enum { LATHE_SIDE_MAX = 1024 };

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

/* Each fills count, channels, height, width, images and labels of DATASET, whose name and classes
 * are set, or dies. */
void lathe_read_idx(const struct lathe_search *search, bool train, struct lathe_dataset *dataset);
void lathe_read_cifar(const struct lathe_search *search, bool train, struct lathe_dataset *dataset);
void lathe_draw_digits(bool train, struct lathe_dataset *dataset);

/* Die where DATA's augmentation cannot turn DATASET's images into what the network takes. */
void lathe_check_augmentation(const struct lathe_data *data, const struct lathe_dataset *dataset);
/* Fill TABLE with (x / 255 - mean) / deviation of every byte x. */
void lathe_normalisation(float mean, float deviation, float table[256]);

#endif
