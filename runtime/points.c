/*
 * Points that need no files: exclusive or, and three functions of normal numbers x through a fixed
 * matrix W whose entries are N(0, 1 / n), n the length of x, as many rows as columns:
 *
 *     linear      sum_i (W x)_i
 *     max         max_i (W x)_i
 *     logsumexp   log sum_i exp((W x)_i)
 *
 * 8,000 samples to train and 2,000 to test, the same each time.
 */
#include "data.h"

#include <math.h>
#include <stdlib.h>

#include "random.h"

enum { TRAIN = 8000, TEST = 2000 };

static const uint64_t key = 0x6c61746865; /* "lathe": any number, the same for ever */

static void fill_xor(struct lathe_dataset *dataset)
{
    dataset->count = 4;
    dataset->channels = 2;
    dataset->points = lathe_alloc(8, sizeof(float));
    dataset->labels = lathe_alloc(4, sizeof(int32_t));
    for (int i = 0; i < 4; i++) {
        dataset->points[2 * i] = (float)(i >> 1);
        dataset->points[2 * i + 1] = (float)(i & 1);
        dataset->labels[i] = (i >> 1) ^ (i & 1);
    }
}

/* COUNT normal numbers of stream (POINTS, A, B). */
static void draw(uint32_t a, uint32_t b, int count, double scale, float *numbers)
{
    for (int i = 0; i < count; i++) {
        double four[4];
        if (i % 4 == 0)
            lathe_normals(lathe_random(key, LATHE_STREAM_POINTS, a, b, (uint32_t)i / 4), four);
        numbers[i] = (float)(four[i % 4] * scale);
    }
}

/* What SOURCE makes of the N numbers Y = W x. */
static double function_of(enum lathe_source source, const double *y, int n)
{
    double sum = 0, largest = y[0], exponentials = 0;
    for (int i = 0; i < n; i++) {
        sum += y[i];
        largest = y[i] > largest ? y[i] : largest;
    }
    for (int i = 0; i < n; i++)
        exponentials += exp(y[i] - largest);
    if (source == LATHE_LINEAR)
        return sum;
    return source == LATHE_MAX ? largest : largest + log(exponentials);
}

static void fill_function(const struct lathe_data *data, bool train, struct lathe_dataset *dataset)
{
    int n = data->channels;
    dataset->count = train ? TRAIN : TEST;
    dataset->channels = n;
    dataset->targets = 1;
    dataset->points = lathe_alloc((size_t)dataset->count * n, sizeof(float));
    dataset->values = lathe_alloc((size_t)dataset->count, sizeof(float));
    float *w = lathe_alloc((size_t)n * n, sizeof *w);
    double *y = lathe_alloc((size_t)n, sizeof *y);
    for (int row = 0; row < n; row++)
        draw((uint32_t)row, 1, n, 1 / sqrt(n), w + (size_t)row * n);
    for (int i = 0; i < dataset->count; i++) {
        float *x = dataset->points + (size_t)i * n;
        draw((uint32_t)(i + (train ? 0 : TRAIN)), 0, n, 1, x);
        for (int row = 0; row < n; row++) {
            y[row] = 0;
            for (int k = 0; k < n; k++)
                y[row] += (double)w[(size_t)row * n + k] * (double)x[k];
        }
        dataset->values[i] = (float)function_of(data->source, y, n);
    }
    free(w);
    free(y);
}

void lathe_make_points(const struct lathe_data *data, bool train, struct lathe_dataset *dataset)
{
    dataset->height = dataset->width = 1;
    if (data->source == LATHE_XOR)
        fill_xor(dataset);
    else
        fill_function(data, train, dataset);
}
