/*
 * The safetensors format: tensors by name in one file, as written and read by PyTorch's and Hugging
 * Face's libraries.
 *
 *     8 bytes   n, the header's length, little-endian
 *     n bytes   JSON: {"__metadata__": {"key": "text", ...},
 *                      "NAME": {"dtype": "F32", "shape": [6, 1], "data_offsets": [0, 24]}, ...}
 *
 *     the rest  data; offsets count from its start; no gap, no overlap, nothing left over
 *
 * The reader trusts nothing: every size is checked against the file before memory is taken, and a
 * file that the format's reference implementation refuses is refused here.
 */
#ifndef LATHE_SAFETENSORS_H
#define LATHE_SAFETENSORS_H

#include <stdint.h>

#include "input.h"

enum { LATHE_TENSOR_RANK = 8 };

/* A tensor of a file. */
struct lathe_stored {
    const char *name;
    int rank;
    size_t dims[LATHE_TENSOR_RANK];
    size_t elements;
    const float *data; /* to write */
    int dtype;         /* of a file: index into the reader's table */
    size_t begin, end; /* of a file: bytes of its data */
};

struct lathe_metadata {
    const char *key, *value;
};

/* An open file; its names and texts live until it is closed. */
struct lathe_tensors {
    const char *path;
    struct lathe_stored *tensors; /* ordered by name */
    int count, capacity;
    struct lathe_metadata *metadata; /* ordered by key */
    int metadata_count, metadata_capacity;
    char *header;
    size_t size, data;           /* bytes of the file; where the data begins */
    const unsigned char *memory; /* NULL: INPUT is read */
    struct lathe_input input;
};

/* Read and check the header of the file PATH, or of SIZE bytes at MEMORY that messages call PATH.
 * PATH and MEMORY must outlive FILE. On failure there is nothing to close. */
bool lathe_tensors_open(struct lathe_tensors *file, const char *path, struct lathe_error *error);
bool lathe_tensors_open_memory(struct lathe_tensors *file, const char *path, const void *memory,
                               size_t size, struct lathe_error *error);
void lathe_tensors_close(struct lathe_tensors *file);

/* The tensor or the metadata of that name, or NULL. */
const struct lathe_stored *lathe_tensors_find(const struct lathe_tensors *file, const char *name);
const char *lathe_tensors_metadata(const struct lathe_tensors *file, const char *key);

/* Read TENSOR's elements, F32, F64, F16 or BF16 in the file, as floats. */
bool lathe_tensors_read(const struct lathe_tensors *file, const struct lathe_stored *tensor,
                        float *elements, struct lathe_error *error);

/* A file's seal: metadata whose value is a checksum of all the file's other bytes, header and data.
 * Written as 16 zeros, lathe_tensors_write puts the checksum there. lathe_tensors_check_seal says
 * whether FILE has one and it fits: a changed bit anywhere is found. */
#define LATHE_SEAL     "checksum"
#define LATHE_UNSEALED "0000000000000000"
bool lathe_tensors_check_seal(const struct lathe_tensors *file, struct lathe_error *error);

/* Write COUNT tensors of floats and the metadata, in the order given, to PATH: whole or not at all
 * (file.h). The same arguments give the same bytes. */
bool lathe_tensors_write(const char *path, const struct lathe_stored *tensors, int count,
                         const struct lathe_metadata *metadata, int metadata_count,
                         struct lathe_error *error);

/* A shape as messages have it, "6x1x5x5" ("scalar" for rank 0), into TEXT. Returns TEXT. */
enum { LATHE_SHAPE_TEXT = 24 * LATHE_TENSOR_RANK };
const char *lathe_shape_text(char text[LATHE_SHAPE_TEXT], int rank, const size_t *dims);

#endif
