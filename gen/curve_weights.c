/*
 * curve_weights: see curve_weights.h.
 */
#include "curve_weights.h"

#include "../runtime/safetensors.h"

#include <math.h>

enum { LETTERS = 3 };
static const char *const letters[LETTERS] = {"L", "Q", "I"};

static void write_tensors(const char *path, const struct lathe_stored *tensors, int count)
{
    static const struct lathe_metadata metadata = {"lathe", LATHE_VERSION ", curves"};
    struct lathe_error error;
    if (!lathe_tensors_write(path, tensors, count, &metadata, 1, &error))
        fail((enum status)error.status, "%s", error.message);
}

void curve_weights_write_tables(struct arena *arena, const char *path, const char *const *nodes,
                                const struct table *const *tables, int count, int pieces)
{
    struct lathe_stored *tensors = arena_array(arena, (size_t)count, struct lathe_stored);
    for (int k = 0; k < count; k++) {
        float *numbers = arena_array(arena, 3 * (size_t)pieces, float);
        curve_pack_table(tables[k], pieces, numbers);
        tensors[k] = (struct lathe_stored){.name = arena_printf(arena, "%s.table", nodes[k]),
                                           .rank = 2,
                                           .dims = {3, (size_t)pieces},
                                           .elements = 3 * (size_t)pieces,
                                           .data = numbers};
    }
    write_tensors(path, tensors, count);
}

void curve_weights_write_learned(struct arena *arena, const char *path, const char *const *nodes,
                                 const struct dynamic_numbers *numbers, int count)
{
    struct lathe_stored *tensors = arena_array(arena, LETTERS * (size_t)count, struct lathe_stored);
    float *floats = arena_array(arena, LETTERS * (size_t)count, float);
    for (int i = 0; i < LETTERS * count; i++) {
        const struct dynamic_numbers *n = &numbers[i / LETTERS];
        floats[i] = (float)(const double[]){n->l, n->q, n->i}[i % LETTERS];
        tensors[i] = (struct lathe_stored){
            .name = arena_printf(arena, "%s.%s", nodes[i / LETTERS], letters[i % LETTERS]),
            .rank = 1,
            .dims = {1},
            .elements = 1,
            .data = &floats[i]};
    }
    write_tensors(path, tensors, LETTERS * count);
}

/* The single number NAME of FILE. */
static bool read_number(const struct lathe_tensors *file, const char *name, double *number,
                        struct lathe_error *error)
{
    float value;
    const struct lathe_stored *tensor = lathe_tensors_find(file, name);
    if (!tensor || tensor->elements != 1)
        return lathe_fail(error, STATUS_USER, "%s: %s %s", file->path,
                          tensor ? "more than one number in" : "has no", name);
    if (!lathe_tensors_read(file, tensor, &value, error))
        return false;
    *number = (double)value;
    return true;
}

void curve_weights_read_learned(struct arena *arena, const char *path, const char *const *nodes,
                                struct dynamic_numbers *numbers, int count)
{
    struct lathe_tensors file;
    struct lathe_error error;
    if (!lathe_tensors_open(&file, path, &error))
        fail((enum status)error.status, "%s", error.message);
    bool good = true;
    for (int i = 0; good && i < LETTERS * count; i++) {
        struct dynamic_numbers *n = &numbers[i / LETTERS];
        double *const places[LETTERS] = {&n->l, &n->q, &n->i};
        const char *name = arena_printf(arena, "%s.%s", nodes[i / LETTERS], letters[i % LETTERS]);
        good = read_number(&file, name, places[i % LETTERS], &error);
        n->q = fabs(n->q);
    }
    lathe_tensors_close(&file);
    if (!good)
        fail((enum status)error.status, "%s", error.message);
}
