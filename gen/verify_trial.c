/*
 * verify_trial: random weights and data.
 */
#include "verify_parts.h"

#include "../runtime/random.h"

#include <math.h>

double trial_uniform(uint64_t seed, uint32_t a, size_t index)
{
    struct lathe_random4 words =
        lathe_random(seed, LATHE_STREAM_TEST, a, (uint32_t)(index >> 32), (uint32_t)index);
    return (2.0 * words.v[0] + 1) * 0x1p-32 - 1;
}

static double normal(uint64_t seed, uint32_t a, size_t index)
{
    double sum = 0;
    for (uint32_t b = 0; b < 3; b++) {
        struct lathe_random4 words = lathe_random(seed, LATHE_STREAM_TEST, a, b, (uint32_t)index);
        for (int i = 0; i < 4; i++)
            sum += words.v[i] * 0x1p-32;
    }
    return sum - 6;
}

/* Weights as they are drawn for training, but what starts as a constant varies around it: gammas,
 * running means and variances (0.5 to 2) that a mistake cannot hide behind. */
static float drawn_weight(const struct tensor *tensor, uint64_t seed, uint32_t stream, size_t i)
{
    double value = tensor->init_value;
    if (tensor->init == LATHE_LISTED)
        return tensor->init_list[i];
    if (tensor->kind == TENSOR_BUFFER && value > 0)
        return (float)exp2(trial_uniform(seed, stream, i));
    if (tensor->init == LATHE_UNIFORM)
        return (float)(value * trial_uniform(seed, stream, i));
    if (tensor->init == LATHE_NORMAL)
        return (float)(value * normal(seed, stream, i));
    return (float)(value + 0.3 * trial_uniform(seed, stream, i));
}

static float *normal_numbers(struct arena *arena, uint64_t seed, uint32_t stream, size_t count)
{
    float *numbers = arena_array(arena, count, float);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)normal(seed, stream, i);
    return numbers;
}

enum { STREAM_INPUT = 1 << 20, STREAM_LABELS, STREAM_TARGETS };

static void draw_batch(struct trial *trial)
{
    const struct graph *graph = trial->graph;
    const struct tensor *output = graph->loss ? graph->loss->producer->inputs[0] : graph->output;
    size_t outputs = tensor_elements(output);
    struct lathe_batch *batch = &trial->batch;
    batch->count = trial->count;
    batch->input = normal_numbers(trial->arena, trial->seed, STREAM_INPUT,
                                  interp_numbers(graph->input, trial->count));
    batch->targets = normal_numbers(trial->arena, trial->seed, STREAM_TARGETS,
                                    interp_numbers(output, trial->count));
    batch->labels = arena_array(trial->arena, (size_t)trial->count, int32_t);
    for (int n = 0; n < trial->count; n++) {
        struct lathe_random4 words =
            lathe_random(trial->seed, LATHE_STREAM_TEST, STREAM_LABELS, 0, (uint32_t)n);
        batch->labels[n] = (int32_t)(words.v[0] % outputs);
    }
}

struct trial *trial_draw(const struct graph *graph, uint64_t seed, int count)
{
    struct arena *arena = arena_new();
    struct trial *trial = arena_new_of(arena, struct trial);
    *trial = (struct trial){.arena = arena, .graph = graph, .seed = seed, .count = count};
    trial->weights = arena_array(arena, (size_t)graph->tensors.count, float *);
    uint32_t parameter = 0;
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        if (tensor->kind != TENSOR_PARAMETER && tensor->kind != TENSOR_BUFFER)
            continue;
        size_t numbers = interp_numbers(tensor, count);
        float *weights = trial->weights[parameter] = arena_array(arena, numbers, float);
        for (size_t k = 0; k < numbers; k++)
            weights[k] = drawn_weight(tensor, seed, parameter, k);
        parameter++;
    }
    draw_batch(trial);
    return trial;
}

void trial_drop(struct trial *trial)
{
    arena_free(trial->arena);
}

struct interp *trial_start(const struct trial *trial, enum precision precision, bool training)
{
    struct interp *interp =
        interp_new(interp_lay_out(trial->arena, trial->graph, precision, trial->count, training));
    interp_load(interp, (const float *const *)trial->weights);
    return interp;
}
