/*
 * kernels: what tests of generated kernels share.
 */
#include "kernels.h"

#include "../gen/isa.h"

#include <check.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

bool runs_here(const char *isa)
{
    const char *native = isa_find("native")->name;
    bool avx2 = strcmp(native, "avx512") == 0 || strcmp(native, "avx2") == 0;
    return strcmp(isa, native) == 0 || strcmp(isa, "portable") == 0 ||
           (strcmp(isa, "avx2") == 0 && avx2);
}

void check_threads(struct arena *arena, const struct lathe_model *model, int count,
                   const int *threads, int thread_counts)
{
    size_t pixels = (size_t)model->channels * model->height * model->width * count;
    struct lathe_batch batch = {.count = count};
    batch.input = arena_array(arena, pixels, float);
    batch.labels = arena_array(arena, (size_t)count, int32_t);
    for (size_t i = 0; i < pixels; i++)
        batch.input[i] = (float)(i * 37 % 101) * 0.02f - 1;
    void *first = NULL;
    for (int i = 0; i < thread_counts; i++) {
        struct lathe_step_result result;
        char *memory = lathe_alloc(model->train_arena_bytes, 1);
        lathe_initialise_all(model, 1, (float *)(memory + model->state_offset));
        omp_set_num_threads(threads[i]);
        model->step(model, &batch, 1, 0, &result, memory);
        if (first)
            ck_assert_mem_eq(memory + model->gradient_offset,
                             (char *)first + model->gradient_offset, model->trainable_floats * 4);
        if (!first)
            first = memory;
        else
            free(memory);
    }
    omp_set_num_threads(omp_get_num_procs());
    free(first);
}
