/*
 * measure: mean and deviation of a training set, for normalize = "auto".
 */
#include "data.h"

#include <math.h>
#include <stdlib.h>

/* Sums over the samples of a channel. */
struct sums {
    double sum, squares; /* of bytes: whole numbers, exact below 2^53 */
};

static void put(const struct sums *sums, double numbers, double unit, float *mean, float *deviation)
{
    double average = sums->sum / numbers;
    double variance = sums->squares / numbers - average * average;
    *mean = (float)(average * unit);
    *deviation = (float)(sqrt(variance > 0 ? variance : 0) * unit);
    if (*deviation == 0)
        *deviation = 1;
}

/* Add PLANE bytes; a set of 2^53 / 255^2 bytes, 138 billion, would still be exact. */
static void add_bytes(const uint8_t *bytes, size_t plane, struct sums *sums)
{
    uint64_t sum = 0, squares = 0;
    for (size_t i = 0; i < plane; i++) {
        sum += bytes[i];
        squares += (uint64_t)bytes[i] * bytes[i];
    }
    sums->sum += (double)sum;
    sums->squares += (double)squares;
}

static void measure_bytes(const struct lathe_dataset *dataset, struct sums *sums)
{
    size_t plane = (size_t)dataset->height * dataset->width;
    size_t numbers = plane * (size_t)dataset->channels;
    uint8_t *decoded = lathe_alloc(dataset->images ? 0 : numbers, 1);
    struct lathe_error error;
    for (int i = 0; i < dataset->count; i++) {
        const uint8_t *bytes = dataset->images ? dataset->images + (size_t)i * numbers : decoded;
        if (!dataset->images &&
            !lathe_decode_image(dataset->paths[i], dataset->channels, dataset->height,
                                dataset->width, decoded, &error))
            lathe_die(error.status, "%s", error.message);
        for (int c = 0; c < dataset->channels; c++)
            add_bytes(bytes + (size_t)c * plane, plane, &sums[c]);
    }
    free(decoded);
}

/* Floats in two passes: the mean, then squares around it. */
static void measure_floats(const struct lathe_dataset *dataset, float *mean, float *deviation)
{
    size_t plane = (size_t)dataset->height * dataset->width, channels = (size_t)dataset->channels;
    double numbers = (double)dataset->count * (double)plane;
    double *means = lathe_alloc(channels, sizeof *means);
    struct sums *sums = lathe_alloc(channels, sizeof *sums);
    for (int pass = 0; pass < 2; pass++) {
        const float *x = dataset->points;
        for (int i = 0; i < dataset->count; i++)
            for (size_t c = 0; c < channels; c++)
                for (size_t k = 0; k < plane; k++, x++) {
                    double from = (double)*x - means[c];
                    if (pass == 0)
                        sums[c].sum += from;
                    else
                        sums[c].squares += from * from;
                }
        for (size_t c = 0; c < channels; c++)
            means[c] = sums[c].sum / numbers;
    }
    for (size_t c = 0; c < channels; c++) {
        mean[c] = (float)means[c];
        deviation[c] = (float)sqrt(sums[c].squares / numbers);
        if (deviation[c] == 0)
            deviation[c] = 1;
    }
    free(means);
    free(sums);
}

void lathe_measure(const struct lathe_dataset *dataset, float *mean, float *deviation)
{
    if (dataset->points) {
        measure_floats(dataset, mean, deviation);
        return;
    }
    size_t channels = (size_t)dataset->channels;
    double numbers = (double)dataset->count * dataset->height * dataset->width;
    struct sums *sums = lathe_alloc(channels, sizeof *sums);
    measure_bytes(dataset, sums);
    for (size_t c = 0; c < channels; c++)
        put(&sums[c], numbers, 1 / 255.0, &mean[c], &deviation[c]);
    free(sums);
}
