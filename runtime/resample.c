#include "resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lathe.h"

struct lathe_filter lathe_filter_new(int from, int to, double scale)
{
    double reach = scale > 1 ? scale : 1, start = (from - to * scale) / 2;
    struct lathe_filter filter = {.taps = (int)ceil(2 * reach) + 1};
    if (filter.taps > from)
        filter.taps = from;
    filter.first = lathe_alloc((size_t)to, sizeof *filter.first);
    filter.weights = lathe_alloc((size_t)to * filter.taps, sizeof *filter.weights);
    for (int i = 0; i < to; i++) {
        double centre = start + (i + 0.5) * scale, sum = 0;
        float *weights = filter.weights + (size_t)i * filter.taps;
        int first = (int)floor(centre - reach);
        first = first > from - filter.taps ? from - filter.taps : first;
        first = first < 0 ? 0 : first;
        filter.first[i] = first;
        for (int t = 0; t < filter.taps; t++)
            sum += fmax(0, 1 - fabs(first + t + 0.5 - centre) / reach);
        for (int t = 0; t < filter.taps; t++)
            weights[t] = (float)(fmax(0, 1 - fabs(first + t + 0.5 - centre) / reach) / sum);
    }
    return filter;
}

void lathe_filter_free(struct lathe_filter *filter)
{
    free(filter->first);
    free(filter->weights);
}

void lathe_filter_line(const struct lathe_filter *filter, const float *input, int count,
                       float *output)
{
    for (int i = 0; i < count; i++) {
        const float *weights = filter->weights + (size_t)i * filter->taps;
        const float *from = input + filter->first[i];
        float sum = 0;
        for (int t = 0; t < filter->taps; t++)
            sum += weights[t] * from[t];
        output[i] = sum;
    }
}

void lathe_filter_lines(const struct lathe_filter *filter, const float *input, int width, int count,
                        float *output)
{
    memset(output, 0, (size_t)count * width * sizeof *output);
    for (int i = 0; i < count; i++, output += width)
        for (int t = 0; t < filter->taps; t++) {
            float weight = filter->weights[(size_t)i * filter->taps + t];
            const float *line = input + (size_t)(filter->first[i] + t) * width;
            for (int x = 0; x < width; x++)
                output[x] += weight * line[x];
        }
}
