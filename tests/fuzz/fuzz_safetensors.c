/* Weights: a whole file in memory; what it says of itself must hold. */
#include "fuzz.h"

#include "../../runtime/lathe.h"
#include "../../runtime/safetensors.h"

#include <stdlib.h>
#include <string.h>

static void read_tensor(const struct lathe_tensors *file, const struct lathe_stored *tensor)
{
    char text[LATHE_SHAPE_TEXT];
    struct lathe_error error;
    fuzz_claim(tensor->begin <= tensor->end && tensor->end <= file->size - file->data);
    fuzz_claim(tensor->elements <= file->size);
    fuzz_claim(lathe_tensors_find(file, tensor->name) == tensor);
    fuzz_claim(strlen(lathe_shape_text(text, tensor->rank, tensor->dims)) < sizeof text);
    float *numbers = malloc(tensor->elements * sizeof *numbers); /* as long as it must be */
    lathe_tensors_read(file, tensor, numbers, &error);
    free(numbers);
}

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    struct lathe_tensors file;
    struct lathe_error error;
    if (!lathe_tensors_open_memory(&file, "input", bytes, count, &error))
        return;
    for (int i = 0; i < file.count; i++)
        read_tensor(&file, &file.tensors[i]);
    for (int i = 0; i < file.metadata_count; i++)
        fuzz_claim(lathe_tensors_metadata(&file, file.metadata[i].key) == file.metadata[i].value);
    lathe_tensors_check_seal(&file, &error);
    lathe_tensors_close(&file);
}
