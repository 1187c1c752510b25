/*
 * From samples to a batch of normalised floats, through the changes of augmentation.
 *
 * Crops, paddings and flips all choose, for every row and every column of the result, a row and a
 * column of the image, or none (zero padding). So a chain of them, however long, is two index maps;
 * a sample of bytes costs one pass that reads through the maps and a table of 256 normalised
 * values. From the first change on that mixes pixels or computes colours, a sample is floats on a
 * canvas (augment.h): maps of rows and columns, then maps of the plane (warp.c) gather, until
 * something else needs the pixels.
 */
#include "augment.h"
#include "data.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "thread.h"

enum { NOWHERE = -1, CHANGES_MAX = 4096 };

/* Of each row and column of the augmented image: the row or column of the image, or NOWHERE. */
struct maps {
    int height, width;
    int16_t rows[LATHE_SIDE_MAX], columns[LATHE_SIDE_MAX];
};

struct lathe_random4 lathe_draw_block(const struct lathe_draws *draws, uint32_t block)
{
    return lathe_random(draws->seed, LATHE_STREAM_AUGMENT, draws->sample, draws->epoch,
                        draws->change + block * CHANGES_MAX);
}

float lathe_draw(const struct lathe_draws *draws, uint32_t index)
{
    return lathe_uniform(lathe_draw_block(draws, index / 4).v[index % 4]);
}

/* ---- normalisation ---- */

void lathe_normalisation(float mean, float deviation, float table[256])
{
    for (int x = 0; x < 256; x++)
        table[x] = ((float)x / 255.0f - mean) / deviation;
}

void lathe_normalise(struct lathe_dataset *dataset, const float *mean, const float *deviation)
{
    size_t channels = (size_t)dataset->channels, bytes = channels * sizeof(float);
    if (dataset->mean && !memcmp(dataset->mean, mean, bytes) &&
        !memcmp(dataset->deviation, deviation, bytes))
        return;
    float *means = lathe_alloc(channels, sizeof *means);
    float *deviations = lathe_alloc(channels, sizeof *deviations);
    memcpy(means, mean, channels * sizeof *means);
    memcpy(deviations, deviation, channels * sizeof *deviations);
    free(dataset->mean);
    free(dataset->deviation);
    dataset->mean = means;
    dataset->deviation = deviations;
    for (size_t c = 0; c < channels && channels <= 4; c++)
        lathe_normalisation(mean[c], deviation[c], dataset->normalised[c]);
}

/* ---- maps of rows and columns ---- */

static void identity(struct maps *maps, int height, int width)
{
    maps->height = height;
    maps->width = width;
    for (int y = 0; y < height; y++)
        maps->rows[y] = (int16_t)y;
    for (int x = 0; x < width; x++)
        maps->columns[x] = (int16_t)x;
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

static bool is_map(const struct lathe_augmentation *change)
{
    return change->kind == LATHE_CROP || change->kind == LATHE_CENTER_CROP ||
           change->kind == LATHE_HFLIP;
}

/* Put CHANGE, which is a map, behind MAPS. */
static void add_to_maps(const struct lathe_augmentation *change, bool train,
                        const struct lathe_draws *draws, struct maps *maps)
{
    struct lathe_random4 draw = lathe_draw_block(draws, 0);
    if (change->kind == LATHE_HFLIP) {
        if (train && lathe_uniform(draw.v[0]) < change->p)
            flip_map(maps->columns, maps->width);
        return;
    }
    int room = 2 * change->pad - change->size;
    train = train && change->kind == LATHE_CROP;
    crop_map(maps->rows, maps->height, change, window_start(maps->height + room, train, draw.v[0]));
    crop_map(maps->columns, maps->width, change,
             window_start(maps->width + room, train, draw.v[1]));
    maps->height = maps->width = change->size;
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

/* The same of floats, which stay as they are. */
static void read_floats(const float *channel, int width, const struct maps *maps, float *pixels)
{
    for (int y = 0; y < maps->height; y++, pixels += maps->width)
        for (int x = 0; x < maps->width; x++) {
            bool nowhere = maps->rows[y] == NOWHERE || maps->columns[x] == NOWHERE;
            pixels[x] = nowhere ? 0 : channel[(size_t)maps->rows[y] * width + maps->columns[x]];
        }
}

/* ---- a sample on its way ---- */

/* One sample: where it comes from, and what is still to be done to it. */
struct way {
    const uint8_t
        *bytes;          /* the set's own numbers: bytes, floats, or neither once they are on the */
    const float *floats; /* canvas */
    float values[256];   /* of bytes */
    struct lathe_canvas canvas;
    struct maps maps;
    bool mapped; /* maps are more than the identity */
    struct lathe_map warp;
    bool warped;
};

/* What one thread needs: buffers for the largest image of a chain, and for a decoded one. */
struct workshop {
    struct way way;
    float *first, *second;
    uint8_t *decoded;
};

/* Carry out what WAY's maps have gathered: from the set or the canvas to the canvas. */
static void read_through_maps(struct way *way)
{
    struct lathe_canvas *canvas = &way->canvas;
    size_t plane = (size_t)canvas->height * canvas->width;
    size_t area = (size_t)way->maps.height * way->maps.width;
    if (!way->mapped && !way->bytes && !way->floats)
        return;
    const float *floats = way->floats ? way->floats : canvas->pixels;
    for (int c = 0; c < canvas->channels; c++) {
        float *into = canvas->spare + c * area;
        if (way->bytes)
            read_channel(way->bytes + c * plane, canvas->width, &way->maps, way->values, into);
        else
            read_floats(floats + c * plane, canvas->width, &way->maps, into);
    }
    float *held = canvas->pixels;
    canvas->pixels = canvas->spare;
    canvas->spare = held;
    canvas->height = way->maps.height;
    canvas->width = way->maps.width;
    way->bytes = NULL;
    way->floats = NULL;
    way->mapped = false;
    identity(&way->maps, canvas->height, canvas->width);
}

/* The canvas has all that was to be done. */
static void settle(struct way *way)
{
    read_through_maps(way);
    if (way->warped)
        lathe_warp(&way->canvas, &way->warp);
    way->warped = false;
}

static void add_warp(const struct lathe_augmentation *change, const struct lathe_draws *draws,
                     struct way *way)
{
    struct lathe_map map;
    if (!lathe_change_map(change, draws, way->maps.height, way->maps.width, &map))
        return;
    read_through_maps(way);
    way->warp = way->warped ? lathe_compose(&map, &way->warp) : map;
    way->warped = true;
}

/* Put CHANGE behind what was done so far. CLAMPED: numbers stay within 0 .. 1. */
static void add_change(const struct lathe_augmentation *change, bool train, bool clamped,
                       const struct lathe_draws *draws, struct way *way)
{
    if (is_map(change)) {
        if (way->warped)
            settle(way);
        add_to_maps(change, train, draws, &way->maps);
        way->mapped = true;
    } else if (change->kind == LATHE_RESIZE) {
        settle(way);
        lathe_resize(&way->canvas, change->size, change->width);
        identity(&way->maps, change->size, change->width);
    } else if (train && lathe_is_warp(change)) {
        add_warp(change, draws, way);
    } else if (train) {
        settle(way);
        if (change->kind == LATHE_COLOR_JITTER)
            lathe_color_jitter(&way->canvas, change, draws);
        else
            lathe_add_noise(&way->canvas, change, draws, clamped);
    }
}

/* ---- samples ---- */

static size_t sample_numbers(const struct lathe_dataset *dataset)
{
    return (size_t)dataset->channels * dataset->height * dataset->width;
}

/* Numbers of the largest image that DATA's changes make of DATASET's. */
static size_t largest_numbers(const struct lathe_data *data, const struct lathe_dataset *dataset)
{
    int height = dataset->height, width = dataset->width;
    for (int i = 0; i < data->augmentation_count; i++) {
        const struct lathe_augmentation *change = &data->augmentation[i];
        if (change->kind == LATHE_HFLIP || !(is_map(change) || change->kind == LATHE_RESIZE))
            continue;
        int across = change->kind == LATHE_RESIZE ? change->width : change->size;
        height = change->size > height ? change->size : height;
        width = across > width ? across : width;
    }
    return (size_t)dataset->channels * height * width;
}

/* A sample without changes, channel by channel. */
static void read_plain(const struct lathe_dataset *dataset, const struct way *way, float *input)
{
    size_t plane = (size_t)dataset->height * dataset->width, at = 0;
    bool table = way->bytes && dataset->channels <= 4;
    for (int c = 0; c < dataset->channels; c++) {
        for (size_t i = 0; i < plane && table; i++, at++)
            input[at] = dataset->normalised[c][way->bytes[at]];
        for (size_t i = 0; i < plane && !table; i++, at++) {
            float x = way->bytes ? way->values[way->bytes[at]] : way->floats[at];
            input[at] = (x - dataset->mean[c]) / dataset->deviation[c];
        }
    }
}

/* Run the chain of sample SAMPLE and normalise into INPUT. */
static void change_sample(const struct lathe_data *data, const struct lathe_dataset *dataset,
                          const struct lathe_pick *pick, uint32_t sample, struct way *way,
                          float *input)
{
    bool clamped = way->bytes != NULL;
    size_t area = (size_t)data->height * data->width;
    identity(&way->maps, dataset->height, dataset->width);
    way->mapped = way->warped = false;
    for (int i = 0; i < data->augmentation_count; i++) {
        const struct lathe_draws draws = {pick->seed, sample, (uint32_t)pick->epoch, (uint32_t)i};
        add_change(&data->augmentation[i], pick->train, clamped, &draws, way);
    }
    if (!(way->bytes && !way->warped && dataset->channels <= 4)) {
        settle(way);
        for (int c = 0; c < data->channels; c++)
            for (size_t i = c * area; i < (c + 1) * area; i++)
                input[i] = (way->canvas.pixels[i] - dataset->mean[c]) / dataset->deviation[c];
        return;
    }
    for (int c = 0; c < data->channels; c++)
        read_channel(way->bytes + (size_t)c * dataset->height * dataset->width, dataset->width,
                     &way->maps, dataset->normalised[c], input + c * area);
}

/* Fill place PLACE of BATCH's labels and targets; its input is there. */
static void fill_target(const struct lathe_data *data, const struct lathe_dataset *dataset,
                        uint32_t sample, int place, struct lathe_batch *batch)
{
    int classes = data->classes;
    size_t numbers = (size_t)data->channels * data->height * data->width;
    int32_t label = dataset->labels ? dataset->labels[sample] : 0;
    if (batch->labels)
        batch->labels[place] = label;
    if (!batch->targets)
        return;
    if (data->target == LATHE_TARGET_INPUT)
        memcpy(batch->targets + place * numbers, batch->input + place * numbers,
               numbers * sizeof(float));
    else if (classes)
        for (int i = 0; i < classes; i++)
            batch->targets[(size_t)place * classes + i] = i == label ? 1.0f : 0.0f;
    else if (dataset->values)
        memcpy(batch->targets + (size_t)place * dataset->targets,
               dataset->values + (size_t)sample * dataset->targets,
               (size_t)dataset->targets * sizeof(float));
    else
        batch->targets[place] = (float)label;
}

/* Fill place PLACE of BATCH; false, with ERROR, where the sample's file cannot be decoded. */
static bool fill_sample(const struct lathe_data *data, const struct lathe_dataset *dataset,
                        const struct lathe_pick *pick, int place, struct workshop *workshop,
                        struct lathe_batch *batch, struct lathe_error *error)
{
    uint32_t sample =
        pick->order ? pick->order[pick->first + place] : (uint32_t)(pick->first + place);
    size_t numbers = sample_numbers(dataset);
    size_t inputs = (size_t)data->channels * data->height * data->width;
    float *input = batch->input + place * inputs;
    struct way *way = &workshop->way;
    way->bytes = dataset->images ? dataset->images + sample * numbers : NULL;
    way->floats = dataset->points ? dataset->points + sample * numbers : NULL;
    way->canvas = (struct lathe_canvas){dataset->channels, dataset->height, dataset->width,
                                        workshop->first, workshop->second};
    if (dataset->paths && !dataset->images) {
        way->bytes = workshop->decoded;
        if (!lathe_decode_image(dataset->paths[sample], dataset->channels, dataset->height,
                                dataset->width, workshop->decoded, error))
            return false;
    }
    if (data->augmentation_count)
        change_sample(data, dataset, pick, sample, way, input);
    else
        read_plain(dataset, way, input);
    fill_target(data, dataset, sample, place, batch);
    return true;
}

bool lathe_costs_time(const struct lathe_data *data, const struct lathe_dataset *dataset)
{
    bool costs = !dataset->images && !dataset->points;
    for (int i = 0; i < data->augmentation_count; i++)
        costs = costs || !is_map(&data->augmentation[i]);
    return costs;
}

bool lathe_try_fill_batch(const struct lathe_data *data, const struct lathe_dataset *dataset,
                          const struct lathe_pick *pick, struct lathe_batch *batch,
                          struct lathe_error *error)
{
    const int few = 16; /* samples that are filled sooner than other threads are woken */
    bool floats = lathe_costs_time(data, dataset) ||
                  (data->augmentation_count && (dataset->points || dataset->channels > 4));
    bool costly = lathe_costs_time(data, dataset);
    size_t room = floats ? largest_numbers(data, dataset) : 0;
    int bad = pick->count; /* the first place whose file is bad */
    batch->count = pick->count;
#pragma omp parallel if (pick->count > few || costly)
    {
        struct workshop *workshop = lathe_alloc(1, sizeof *workshop);
        lathe_flush_denormals();
        lathe_normalisation(0, 1, workshop->way.values);
        workshop->first = lathe_alloc(room, sizeof(float));
        workshop->second = lathe_alloc(room, sizeof(float));
        workshop->decoded = lathe_alloc(dataset->paths ? sample_numbers(dataset) : 0, 1);
#pragma omp for schedule(static)
        for (int i = 0; i < pick->count; i++) {
            struct lathe_error reason;
            if (fill_sample(data, dataset, pick, i, workshop, batch, &reason))
                continue;
#pragma omp critical
            if (i < bad) {
                bad = i;
                *error = reason;
            }
        }
        free(workshop->first);
        free(workshop->second);
        free(workshop->decoded);
        free(workshop);
    }
    return bad == pick->count;
}

void lathe_fill_batch(const struct lathe_data *data, const struct lathe_dataset *dataset,
                      const uint32_t *order, int first, int count, bool train, uint64_t seed,
                      int epoch, struct lathe_batch *batch)
{
    const struct lathe_pick pick = {order, first, count, train, seed, epoch};
    struct lathe_error error;
    if (!lathe_try_fill_batch(data, dataset, &pick, batch, &error))
        lathe_die(error.status, "%s", error.message);
}

/* ---- what can be ---- */

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

/* Die where CHANGE cannot befall images of *HEIGHT x *WIDTH; what it makes of their sizes. */
static void check_change(const struct lathe_augmentation *change,
                         const struct lathe_dataset *dataset, int *height, int *width)
{
    if (change->kind == LATHE_CROP || change->kind == LATHE_CENTER_CROP) {
        check_crop(dataset->name, change, *height, *width);
        *height = *width = change->size;
    } else if (change->kind == LATHE_RESIZE) {
        *height = change->size;
        *width = change->width;
    } else if (change->kind == LATHE_COLOR_JITTER && dataset->channels != 1 &&
               dataset->channels != 3) {
        lathe_die(LATHE_USER, "%s: color_jitter is for images of 1 or 3 channels, these have %d",
                  dataset->name, dataset->channels);
    }
    if (*height < 1 || *width < 1 || *height > LATHE_SIDE_MAX || *width > LATHE_SIDE_MAX)
        lathe_die(LATHE_USER, "%s: augmentation of images %dx%d, at most %d a side", dataset->name,
                  *height, *width, LATHE_SIDE_MAX);
}

void lathe_check_augmentation(const struct lathe_data *data, const struct lathe_dataset *dataset)
{
    int height = dataset->height, width = dataset->width;
    if (data->augmentation_count > CHANGES_MAX)
        lathe_die(LATHE_USER, "%s: more than %d augmentations", dataset->name, CHANGES_MAX);
    for (int i = 0; i < data->augmentation_count; i++)
        check_change(&data->augmentation[i], dataset, &height, &width);
    if (dataset->channels == data->channels && height == data->height && width == data->width)
        return;
    if (height == dataset->height && width == dataset->width)
        lathe_die(LATHE_USER, "%s has images %dx%dx%d, the network takes %dx%dx%d", dataset->name,
                  dataset->channels, height, width, data->channels, data->height, data->width);
    lathe_die(LATHE_USER, "%s has images %dx%dx%d, cropped to %dx%dx%d, the network takes %dx%dx%d",
              dataset->name, dataset->channels, dataset->height, dataset->width, dataset->channels,
              height, width, data->channels, data->height, data->width);
}
