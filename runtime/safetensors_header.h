/*
 * A safetensors file's header: its text taken apart, and its tensors' places held against the file.
 */
#ifndef LATHE_SAFETENSORS_HEADER_H
#define LATHE_SAFETENSORS_HEADER_H

#include "safetensors.h"

/* All types of the format; the first LATHE_DTYPES_READ can be read as floats. */
enum { LATHE_F32, LATHE_F64, LATHE_F16, LATHE_BF16, LATHE_DTYPES_READ, LATHE_DTYPES = 15 };
struct lathe_dtype {
    const char *name;
    size_t bytes; /* of an element */
};
extern const struct lathe_dtype lathe_dtypes[LATHE_DTYPES];

/* Parse the LENGTH bytes of FILE->header, which a NUL follows, into tensors and metadata: names
 * once each, shapes that agree with their bytes, data that fills the file from FILE->data to
 * FILE->size without gap or overlap. Both are left ordered by name; names and texts point into the
 * header, which is written to. */
bool lathe_tensors_parse(struct lathe_tensors *file, size_t length, struct lathe_error *error);

#endif
