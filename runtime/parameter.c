/*
 * parameter: tensors of weights between their logical layout (files) and their packed one
 * (kernels), and how fresh ones are drawn.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lathe.h"
#include "random.h"

static size_t ceiling(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* Input channels that a packed row covers, and those of them that an output channel reads. */
static int span_channels(const struct lathe_parameter *p)
{
    return p->in / p->spans;
}
static int group_channels(const struct lathe_parameter *p)
{
    return p->in / p->groups;
}

/* Blocks of input channels that a packed row covers. */
static int row_blocks(const struct lathe_parameter *p)
{
    return p->window > 0 ? p->window : (span_channels(p) + p->block_in - 1) / p->block_in;
}

/* The first channel of the input that output channel K reads. */
static int group_start(const struct lathe_parameter *p, int k)
{
    return k / (p->out / p->groups) * group_channels(p);
}

/* Where the I-th channel that output channel K reads stands in K's packed row: its block, and its
 * place in the block. */
static void row_place(const struct lathe_parameter *p, int k, int i, int *block, int *place)
{
    int c = group_start(p, k) + i;
    if (p->window > 0) {
        int first = group_start(p, k / p->block_out * p->block_out);
        *block = c / p->block_out - first / p->block_out;
        *place = i;
    } else {
        c -= k / (p->out / p->spans) * span_channels(p);
        *block = c / p->block_in;
        *place = c % p->block_in;
    }
}

/* Tap (0, 0) of output channel K in PACKED, at PLACE of BLOCK of K's row. The next tap is block_in
 * * block_out floats further. */
static size_t packed_place(const struct lathe_parameter *p, int k, int block, int place)
{
    size_t row = (size_t)(k / p->block_out) * (size_t)row_blocks(p) + (size_t)block;
    size_t taps = (size_t)p->kh * (size_t)p->kw, lanes = (size_t)p->block_in * (size_t)p->block_out;
    return row * taps * lanes + (size_t)place * (size_t)p->block_out + (size_t)(k % p->block_out);
}

static size_t element_place(const struct lathe_parameter *p, int k, int i)
{
    int block, place;
    row_place(p, k, i, &block, &place);
    return packed_place(p, k, block, place);
}

size_t lathe_parameter_elements(const struct lathe_parameter *p)
{
    size_t elements = 1;
    for (int i = 0; i < p->rank; i++)
        elements *= (size_t)p->dims[i];
    return elements;
}

size_t lathe_parameter_floats(const struct lathe_parameter *p)
{
    size_t block_out = (size_t)p->block_out;
    return ceiling((size_t)p->out, block_out) * block_out * (size_t)row_blocks(p) *
           (size_t)p->block_in * (size_t)p->kh * (size_t)p->kw;
}

void lathe_pack(const struct lathe_parameter *p, const float *logical, float *packed)
{
    size_t taps = (size_t)p->kh * (size_t)p->kw;
    size_t stride = (size_t)p->block_in * (size_t)p->block_out;
    memset(packed, 0, lathe_parameter_floats(p) * sizeof *packed);
    for (int k = 0; k < p->out; k++)
        for (int i = 0; i < group_channels(p); i++, logical += taps) {
            float *place = packed + element_place(p, k, i);
            for (size_t tap = 0; tap < taps; tap++)
                place[tap * stride] = logical[tap];
        }
}

void lathe_unpack(const struct lathe_parameter *p, const float *packed, float *logical)
{
    size_t taps = (size_t)p->kh * (size_t)p->kw;
    size_t stride = (size_t)p->block_in * (size_t)p->block_out;
    for (int k = 0; k < p->out; k++)
        for (int i = 0; i < group_channels(p); i++, logical += taps) {
            const float *place = packed + element_place(p, k, i);
            for (size_t tap = 0; tap < taps; tap++)
                logical[tap] = place[tap * stride];
        }
}

/* Whether output channel K has an element at PLACE of BLOCK of its row. */
static bool has_element(const struct lathe_parameter *p, int k, int block, int place)
{
    if (k >= p->out)
        return false;
    int i = place, at_block, at_place;
    if (p->window == 0) {
        row_place(p, k, 0, &at_block, &at_place);
        i = (block - at_block) * p->block_in + place - at_place;
    }
    if (i < 0 || i >= group_channels(p))
        return false;
    row_place(p, k, i, &at_block, &at_place);
    return at_block == block && at_place == place;
}

void lathe_mask_groups(const struct lathe_parameter *p, float *packed)
{
    size_t taps = (size_t)p->kh * (size_t)p->kw;
    size_t stride = (size_t)p->block_in * (size_t)p->block_out;
    int rows = (int)ceiling((size_t)p->out, (size_t)p->block_out) * p->block_out;
    for (int k = 0; k < rows; k++)
        for (int block = 0; block < row_blocks(p); block++)
            for (int place = 0; place < p->block_in; place++) {
                if (has_element(p, k, block, place))
                    continue;
                float *element = packed + packed_place(p, k, block, place);
                for (size_t tap = 0; tap < taps; tap++)
                    element[tap * stride] = 0.0f;
            }
}

/* ---- fresh parameters ---- */

void lathe_normals(struct lathe_random4 words, double out[4])
{
    const double turn = 6.283185307179586477;
    for (int i = 0; i < 4; i += 2) {
        double radius = sqrt(-2.0 * log((words.v[i] + 1.0) * 0x1p-32));
        double angle = turn * (words.v[i + 1] * 0x1p-32);
        out[i] = radius * cos(angle);
        out[i + 1] = radius * sin(angle);
    }
}

/* Four draws of P's distribution from four uniform words. */
static void draw(const struct lathe_parameter *p, struct lathe_random4 words, double drawn[4])
{
    switch (p->init) {
    case LATHE_CONSTANT:
        for (int i = 0; i < 4; i++)
            drawn[i] = p->value;
        break;
    case LATHE_UNIFORM:
        for (int i = 0; i < 4; i++)
            drawn[i] = p->value * (2.0 * (double)lathe_uniform(words.v[i]) - 1.0);
        break;
    case LATHE_NORMAL:
        lathe_normals(words, drawn);
        for (int i = 0; i < 4; i++)
            drawn[i] *= p->value;
        break;
    case LATHE_LISTED: /* not drawn */
        break;
    }
}

void lathe_initialise(const struct lathe_parameter *p, int index, uint64_t seed, float *logical)
{
    size_t elements = lathe_parameter_elements(p);
    if (p->init == LATHE_LISTED) {
        memcpy(logical, p->list, elements * sizeof *logical);
        return;
    }
    for (size_t first = 0; first < elements; first += 4) {
        double drawn[4] = {0};
        draw(p, lathe_random(seed, LATHE_STREAM_INIT, (uint32_t)index, 0, (uint32_t)(first / 4)),
             drawn);
        for (size_t i = 0; i < 4 && first + i < elements; i++)
            logical[first + i] = (float)drawn[i];
    }
}

void lathe_initialise_all(const struct lathe_model *model, uint64_t seed, float *state)
{
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *p = &model->parameters[i];
        float *logical = lathe_alloc(lathe_parameter_elements(p), sizeof *logical);
        lathe_initialise(p, i, seed, logical);
        lathe_pack(p, logical, state + p->offset);
        free(logical);
    }
}
