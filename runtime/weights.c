/*
 * weights: a model's parameters in safetensors files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lathe.h"
#include "weights.h"

float **lathe_logical_arrays(const struct lathe_model *model)
{
    enum { LINE = 64 / sizeof(float) };
    size_t pointers = ((size_t)model->parameter_count * sizeof(float *) + 63) / 64 * LINE;
    size_t floats = pointers;
    for (int i = 0; i < model->parameter_count; i++)
        floats += (lathe_parameter_elements(&model->parameters[i]) + LINE - 1) / LINE * LINE;
    float *memory = lathe_alloc(floats, sizeof *memory), *at = memory + pointers;
    float **arrays = (float **)(void *)memory;
    for (int i = 0; i < model->parameter_count; i++) {
        arrays[i] = at;
        at += (lathe_parameter_elements(&model->parameters[i]) + LINE - 1) / LINE * LINE;
    }
    return arrays;
}

void lathe_unpack_all(const struct lathe_model *model, const float *state, float **logical)
{
    for (int i = 0; i < model->parameter_count; i++)
        lathe_unpack(&model->parameters[i], state + model->parameters[i].offset, logical[i]);
}

struct lathe_stored lathe_parameter_stored(const struct lathe_parameter *parameter)
{
    struct lathe_stored tensor = {.name = parameter->name, .rank = parameter->rank};
    for (int i = 0; i < parameter->rank; i++)
        tensor.dims[i] = (size_t)parameter->dims[i];
    tensor.elements = lathe_parameter_elements(parameter);
    return tensor;
}

bool lathe_read_stored(const struct lathe_tensors *file, const struct lathe_stored *expected,
                       float *elements, struct lathe_error *error)
{
    char wanted[LATHE_SHAPE_TEXT], found[LATHE_SHAPE_TEXT];
    lathe_shape_text(wanted, expected->rank, expected->dims);
    const struct lathe_stored *tensor = lathe_tensors_find(file, expected->name);
    if (!tensor)
        return lathe_fail(error, LATHE_USER, "%s: has no tensor %s (expected %s)", file->path,
                          expected->name, wanted);
    if (tensor->rank != expected->rank ||
        memcmp(tensor->dims, expected->dims, (size_t)tensor->rank * sizeof *tensor->dims) != 0)
        return lathe_fail(error, LATHE_USER, "%s: %s: expected %s, given %s", file->path,
                          expected->name, wanted,
                          lathe_shape_text(found, tensor->rank, tensor->dims));
    return lathe_tensors_read(file, tensor, elements, error);
}

/* Tensors that a file may hold beside the weights: PyTorch's counters of batch normalisation, and
 * the optimizer's part of a checkpoint. */
static bool is_companion(const char *name)
{
    static const char counter[] = ".num_batches_tracked", optimizer[] = "optimizer.";
    size_t length = strlen(name);
    return !strncmp(name, optimizer, sizeof optimizer - 1) ||
           (length >= sizeof counter && !strcmp(name + length - (sizeof counter - 1), counter));
}

static bool is_parameter(const struct lathe_model *model, const char *name)
{
    for (int i = 0; i < model->parameter_count; i++)
        if (!strcmp(model->parameters[i].name, name))
            return true;
    return false;
}

/* How many tensors of FILE are neither MODEL's nor companions; *FIRST becomes the first's name. */
static int count_others(const struct lathe_model *model, const struct lathe_tensors *file,
                        const char **first)
{
    int others = 0;
    for (int i = 0; i < file->count; i++) {
        const char *name = file->tensors[i].name;
        if (!is_companion(name) && !is_parameter(model, name) && !others++)
            *first = name;
    }
    return others;
}

static void say_left_out(const struct lathe_model *model, const struct lathe_tensors *file,
                         int others)
{
    if (others)
        fprintf(stderr, "%s: %d tensor%s not of this network (%s): left out\n", file->path, others,
                others == 1 ? " is" : "s are", model->name);
}

bool lathe_read_parameters(const struct lathe_model *model, const struct lathe_tensors *file,
                           float **logical, int *others, struct lathe_error *error)
{
    const char *first = NULL;
    for (int i = 0; i < model->parameter_count; i++) {
        struct lathe_stored expected = lathe_parameter_stored(&model->parameters[i]);
        if (!lathe_read_stored(file, &expected, logical[i], error))
            return false;
    }
    int found = count_others(model, file, &first);
    if (found && !others)
        return lathe_fail(error, LATHE_USER, "%s: tensor %s is not of this network (%s)",
                          file->path, first, model->name);
    if (others)
        *others = found;
    return true;
}

/* The parameters of an open FILE, closed here; dies where MODEL's are not all there. What else the
 * file holds (a decoder's weights, for the encoder alone) is counted on stderr. */
static float **take_weights(const struct lathe_model *model, struct lathe_tensors *file)
{
    struct lathe_error error;
    int others = 0;
    float **logical = lathe_logical_arrays(model);
    bool fits = lathe_read_parameters(model, file, logical, &others, &error);
    if (fits)
        say_left_out(model, file, others);
    lathe_tensors_close(file);
    if (!fits) {
        free(logical);
        lathe_die(error.status, "%s", error.message);
    }
    return logical;
}

float **lathe_read_weights(const struct lathe_model *model, const char *path)
{
    struct lathe_tensors file;
    struct lathe_error error;
    if (!lathe_tensors_open(&file, path, &error))
        lathe_die(error.status, "%s", error.message);
    return take_weights(model, &file);
}

float **lathe_read_embedded_weights(const struct lathe_model *model, const void *bytes, size_t size)
{
    struct lathe_tensors file;
    struct lathe_error error;
    if (!lathe_tensors_open_memory(&file, "embedded weights", bytes, size, &error))
        lathe_die(error.status, "%s", error.message);
    return take_weights(model, &file);
}

/* What FILE has of parameter P into STATE; false where it has none of that name. Dies. */
static bool begin_parameter(const struct lathe_parameter *p, const struct lathe_tensors *file,
                            float *state)
{
    struct lathe_error error;
    struct lathe_stored expected = lathe_parameter_stored(p);
    if (!lathe_tensors_find(file, p->name))
        return false;
    float *logical = lathe_alloc(expected.elements, sizeof *logical);
    if (!lathe_read_stored(file, &expected, logical, &error))
        lathe_die(error.status, "%s", error.message);
    lathe_pack(p, logical, state + p->offset);
    free(logical);
    return true;
}

void lathe_begin_weights(const struct lathe_model *model, const char *path, float *state)
{
    struct lathe_tensors file;
    struct lathe_error error;
    const char *missing = NULL, *other = NULL;
    int absent = 0;
    if (!lathe_tensors_open(&file, path, &error))
        lathe_die(error.status, "%s", error.message);
    for (int i = 0; i < model->parameter_count; i++)
        if (!begin_parameter(&model->parameters[i], &file, state) && !absent++)
            missing = model->parameters[i].name;
    if (absent == model->parameter_count)
        lathe_die(LATHE_USER, "%s: has no tensor of this network (%s)", path, model->name);
    if (absent == 1)
        fprintf(stderr, "%s: has no %s: drawn afresh\n", path, missing);
    else if (absent)
        fprintf(stderr, "%s: has no %s and %d more: drawn afresh\n", path, missing, absent - 1);
    say_left_out(model, &file, count_others(model, &file, &other));
    lathe_tensors_close(&file);
}

void lathe_write_weights(const struct lathe_model *model, const float *state, const char *path)
{
    struct lathe_error error;
    float **logical = lathe_logical_arrays(model);
    lathe_unpack_all(model, state, logical);
    size_t count = (size_t)model->parameter_count;
    struct lathe_stored *tensors = lathe_alloc(count, sizeof *tensors);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = lathe_parameter_stored(&model->parameters[i]);
        tensors[i].data = logical[i];
    }
    const struct lathe_metadata metadata[] = {{"lathe", model->provenance ? model->provenance : ""},
                                              {"network", model->name}};
    if (!lathe_tensors_write(path, tensors, (int)count, metadata, 2, &error))
        lathe_die(error.status, "%s", error.message);
    free(tensors);
    free(logical);
}
