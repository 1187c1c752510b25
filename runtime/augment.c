/*
 * From bytes to a batch of normalised floats, through random crops and flips.
 *
 * Crops, paddings and flips all choose, for every row and every column of the result, a row and a
 * column of the image, or none (zero padding). So a chain of them, however long, is two index maps;
 * a sample costs one pass that reads through the maps and a table of 256 normalised values.
 */
#include "data.h"

#include <string.h>

#include "random.h"

enum { NOWHERE = -1 };

/* Of each row and column of the augmented image: the row or column of the image, or NOWHERE. */
struct maps {
    int height, width;
    int16_t rows[LATHE_SIDE_MAX], columns[LATHE_SIDE_MAX];
};

void lathe_normalisation(float mean, float deviation, float table[256])
{
    for (int x = 0; x < 256; x++)
        table[x] = ((float)x / 255.0f - mean) / deviation;
}

/* Replace MAP, of SIZE places: pad it as CROP says and keep the window of CROP's size that begins
 * at START. */
static void crop_map(int16_t *map, int size, const struct lathe_augmentation *crop, int start)
{
    int16_t before[LATHE_SIDE_MAX];
    memcpy(before, map, (size_t)size * sizeof *map);
    for (int i = 0; i < crop->size; i++) {
        int place = start + i - crop->pad;
        if (crop->reflect && place < 0)
            place = -place;
        if (crop->reflect && place >= size)
            place = 2 * (size - 1) - place;
        map[i] = place < 0 || place >= size ? NOWHERE : before[place];
    }
}

static void flip_map(int16_t *map, int size)
{
    for (int i = 0; i < size / 2; i++) {
        int16_t held = map[i];
        map[i] = map[size - 1 - i];
        map[size - 1 - i] = held;
    }
}

/* Where a window that can begin at 0 .. ROOM does begin. */
static int window_start(int room, bool train, uint32_t bits)
{
    return train ? (int)((uint64_t)bits * ((uint32_t)room + 1) >> 32) : room / 2;
}

/* The maps of one sample: augmentation i draws block i of the sample's stream. */
static void make_maps(const struct lathe_data *data, const struct lathe_dataset *dataset,
                      bool train, uint64_t seed, uint32_t sample, int epoch, struct maps *maps)
{
    maps->height = dataset->height;
    maps->width = dataset->width;
    for (int y = 0; y < maps->height; y++)
        maps->rows[y] = (int16_t)y;
    for (int x = 0; x < maps->width; x++)
        maps->columns[x] = (int16_t)x;
    for (int i = 0; i < data->augmentation_count; i++) {
        const struct lathe_augmentation *change = &data->augmentation[i];
        struct lathe_random4 draw =
            lathe_random(seed, LATHE_STREAM_AUGMENT, sample, (uint32_t)epoch, (uint32_t)i);
        if (change->kind == LATHE_CROP) {
            int room = 2 * change->pad - change->size;
            crop_map(maps->rows, maps->height, change,
                     window_start(maps->height + room, train, draw.v[0]));
            crop_map(maps->columns, maps->width, change,
                     window_start(maps->width + room, train, draw.v[1]));
            maps->height = maps->width = change->size;
        } else if (train && lathe_uniform(draw.v[0]) < change->p) {
            flip_map(maps->columns, maps->width);
        }
    }
}

/* Read one CHANNEL of HEIGHT x WIDTH bytes through MAPS and TABLE into PIXELS. A line is copied
 * behind a zero, which the columns NOWHERE read; the rows NOWHERE read a line of zeros. */
static void read_channel(const uint8_t *channel, int width, const struct maps *maps,
                         const float table[256], float *pixels)
{
    uint8_t line[1 + LATHE_SIDE_MAX] = {0};
    for (int y = 0; y < maps->height; y++, pixels += maps->width) {
        if (maps->rows[y] == NOWHERE)
            memset(line + 1, 0, (size_t)width);
        else
            memcpy(line + 1, channel + (size_t)maps->rows[y] * width, (size_t)width);
        for (int x = 0; x < maps->width; x++)
            pixels[x] = table[line[1 + maps->columns[x]]];
    }
}

/* Fill place PLACE of BATCH's labels and targets. */
static void fill_label(int32_t label, int classes, int place, struct lathe_batch *batch)
{
    if (batch->labels)
        batch->labels[place] = label;
    if (batch->targets && classes == 0)
        batch->targets[place] = (float)label;
    if (batch->targets)
        for (int i = 0; i < classes; i++)
            batch->targets[(size_t)place * classes + i] = i == label ? 1.0f : 0.0f;
}

void lathe_fill_batch(const struct lathe_data *data, const struct lathe_dataset *dataset,
                      const uint32_t *order, int first, int count, bool train, uint64_t seed,
                      int epoch, struct lathe_batch *batch)
{
    size_t plane = (size_t)dataset->height * dataset->width;
    size_t area = (size_t)data->height * data->width;
    const int few = 16; /* samples that are filled sooner than other threads are woken */
    batch->count = count;
#pragma omp parallel for schedule(static) if (count > few)
    for (int i = 0; i < count; i++) {
        uint32_t sample = order ? order[first + i] : (uint32_t)(first + i);
        float *input = batch->input + (size_t)i * data->channels * area;
        struct maps maps;
        fill_label(dataset->labels[sample], data->classes, i, batch);
        if (dataset->points) {
            memcpy(input, dataset->points + (size_t)sample * data->channels,
                   (size_t)data->channels * sizeof *input);
            continue;
        }
        make_maps(data, dataset, train, seed, sample, epoch, &maps);
        for (int c = 0; c < data->channels; c++)
            read_channel(dataset->images + ((size_t)sample * data->channels + c) * plane,
                         dataset->width, &maps, dataset->normalised[c], input + c * area);
    }
}

/* Die where CROP does not fit an image of HEIGHT x WIDTH. */
static void check_crop(const char *set, const struct lathe_augmentation *crop, int height,
                       int width)
{
    int shorter = height < width ? height : width;
    if (crop->pad < 0 || crop->pad > LATHE_SIDE_MAX || crop->size < 1 ||
        crop->size > LATHE_SIDE_MAX || crop->size > shorter + 2 * crop->pad)
        lathe_die(LATHE_USER, "%s: crop of %d does not fit images %dx%d padded by %d", set,
                  crop->size, height, width, crop->pad);
    if (crop->reflect && crop->pad >= shorter)
        lathe_die(LATHE_USER,
                  "%s: images %dx%d cannot be padded by %d reflected pixels, %d at most", set,
                  height, width, crop->pad, shorter - 1);
}

void lathe_check_augmentation(const struct lathe_data *data, const struct lathe_dataset *dataset)
{
    int height = dataset->height, width = dataset->width;
    for (int i = 0; i < data->augmentation_count; i++) {
        const struct lathe_augmentation *change = &data->augmentation[i];
        if (change->kind != LATHE_CROP)
            continue;
        check_crop(dataset->name, change, height, width);
        height = width = change->size;
    }
    if (dataset->channels == data->channels && height == data->height && width == data->width)
        return;
    if (height == dataset->height && width == dataset->width)
        lathe_die(LATHE_USER, "%s has images %dx%dx%d, the network takes %dx%dx%d", dataset->name,
                  dataset->channels, height, width, data->channels, data->height, data->width);
    lathe_die(LATHE_USER, "%s has images %dx%dx%d, cropped to %dx%dx%d, the network takes %dx%dx%d",
              dataset->name, dataset->channels, dataset->height, dataset->width, dataset->channels,
              height, width, data->channels, data->height, data->width);
}
