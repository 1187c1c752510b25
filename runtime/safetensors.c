/*
 * safetensors: reading and writing.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "lathe.h"
#include "safetensors_header.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files hold little-endian numbers");

/* The format's limit on the header. */
enum { HEADER_MAX = 100000000 };

/* ---- reading ---- */

/* LENGTH bytes at OFFSET of the file; both were checked against its size. */
static bool read_at(const struct lathe_tensors *file, size_t offset, void *bytes, size_t length,
                    struct lathe_error *error)
{
    if (file->memory) {
        memcpy(bytes, file->memory + offset, length);
        return true;
    }
    return lathe_input_read_at(&file->input, offset, bytes, length, error);
}

/* Header length, header, rules: what both kinds of opening share. */
static bool read_header(struct lathe_tensors *file, struct lathe_error *error)
{
    uint64_t length;
    if (file->size < sizeof length)
        return lathe_fail(error, LATHE_USER, "%s: not a safetensors file: %zu bytes", file->path,
                          file->size);
    if (!read_at(file, 0, &length, sizeof length, error))
        return false;
    if (length > HEADER_MAX || length > file->size - sizeof length)
        return lathe_fail(error, LATHE_USER,
                          "%s: not a safetensors file: header of %" PRIu64
                          " bytes in a file of %zu",
                          file->path, length, file->size);
    file->data = sizeof length + length;
    file->header = lathe_alloc(length + 1, 1);
    if (!read_at(file, sizeof length, file->header, length, error))
        return false;
    return lathe_tensors_parse(file, length, error);
}

bool lathe_tensors_open_memory(struct lathe_tensors *file, const char *path, const void *memory,
                               size_t size, struct lathe_error *error)
{
    *file = (struct lathe_tensors){
        .path = path, .memory = memory, .size = size, .input.descriptor = -1};
    if (read_header(file, error))
        return true;
    lathe_tensors_close(file);
    return false;
}

bool lathe_tensors_open(struct lathe_tensors *file, const char *path, struct lathe_error *error)
{
    *file = (struct lathe_tensors){.path = path};
    if (!lathe_input_open(&file->input, path, error))
        return false;
    file->size = file->input.size;
    if (read_header(file, error))
        return true;
    lathe_tensors_close(file);
    return false;
}

void lathe_tensors_close(struct lathe_tensors *file)
{
    lathe_input_close(&file->input);
    free(file->header);
    free(file->tensors);
    free(file->metadata);
    *file = (struct lathe_tensors){.input.descriptor = -1};
}

static float from_half(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1f, mantissa = bits & 0x3ff;
    float magnitude = exponent == 0x1f ? (mantissa ? NAN : INFINITY)
                      : exponent       ? ldexpf((float)(0x400 | mantissa), exponent - 25)
                                       : (float)mantissa * 0x1p-24f;
    return bits & 0x8000 ? -magnitude : magnitude;
}

static float from_brain(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

/* COUNT numbers of DTYPE at BYTES as floats. */
static void convert(int dtype, const void *bytes, size_t count, float *elements)
{
    const uint16_t *halves = bytes;
    const double *doubles = bytes;
    for (size_t i = 0; i < count; i++)
        elements[i] = dtype == LATHE_F64   ? (float)doubles[i]
                      : dtype == LATHE_F16 ? from_half(halves[i])
                                           : from_brain(halves[i]);
}

bool lathe_tensors_read(const struct lathe_tensors *file, const struct lathe_stored *tensor,
                        float *elements, struct lathe_error *error)
{
    size_t place = file->data + tensor->begin, width = lathe_dtypes[tensor->dtype].bytes;
    if (tensor->dtype >= LATHE_DTYPES_READ)
        return lathe_fail(error, LATHE_USER, "%s: %s: expected F32, given %s", file->path,
                          tensor->name, lathe_dtypes[tensor->dtype].name);
    if (tensor->dtype == LATHE_F32)
        return read_at(file, place, elements, tensor->elements * sizeof *elements, error);
    enum { CHUNK = 1024 };
    double chunk[CHUNK];
    for (size_t done = 0; done < tensor->elements; done += CHUNK) {
        size_t count = tensor->elements - done < CHUNK ? tensor->elements - done : CHUNK;
        if (!read_at(file, place + done * width, chunk, count * width, error))
            return false;
        convert(tensor->dtype, chunk, count, elements + done);
    }
    return true;
}

/* ---- the seal ---- */

enum { SEAL_DIGITS = sizeof LATHE_UNSEALED - 1 };

/* HASH with LENGTH more bytes, a multiple of 4 but for the last: no two words in the same place
 * give the same (the multiplier, 2^64 over the golden ratio, is odd). */
static uint64_t add_to_seal(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < length; i += sizeof(uint32_t)) {
        uint32_t word = 0;
        memcpy(&word, at + i, length - i < sizeof word ? length - i : sizeof word);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

static const uint64_t seal_start = 0x6c61746865; /* "lathe" */

static void seal_text(uint64_t hash, char text[SEAL_DIGITS + 1])
{
    snprintf(text, SEAL_DIGITS + 1, "%016" PRIx64, hash);
}

/* Put the checksum of HEADER and what TENSORS hold into HEADER, if it has a place for one. */
static void seal(char *header, size_t length, const struct lathe_stored *tensors, int count)
{
    static const char key[] = "\"" LATHE_SEAL "\":\"" LATHE_UNSEALED;
    char *place = memmem(header, length, key, sizeof key - 1), digits[SEAL_DIGITS + 1];
    if (!place)
        return;
    uint64_t hash = add_to_seal(seal_start, header, length);
    for (int i = 0; i < count; i++)
        hash = add_to_seal(hash, tensors[i].data, tensors[i].elements * sizeof *tensors[i].data);
    seal_text(hash, digits);
    memcpy(place + sizeof key - 1 - SEAL_DIGITS, digits, SEAL_DIGITS);
}

/* The checksum of FILE's bytes, the SEAL_DIGITS at PLACE as zeros. */
static bool hash_file(const struct lathe_tensors *file, size_t place, uint64_t *hash,
                      struct lathe_error *error)
{
    enum { CHUNK = 1 << 16 };
    unsigned char *chunk = lathe_alloc(file->size < CHUNK ? file->size : CHUNK, 1);
    bool done = true;
    *hash = seal_start;
    for (size_t at = 0; done && at < file->size; at += CHUNK) {
        size_t length = file->size - at < CHUNK ? file->size - at : CHUNK;
        done = read_at(file, at, chunk, length, error);
        for (size_t i = place; i < place + SEAL_DIGITS; i++)
            if (i >= at && i < at + length)
                chunk[i - at] = '0';
        *hash = add_to_seal(*hash, chunk, done ? length : 0);
    }
    free(chunk);
    return done;
}

bool lathe_tensors_check_seal(const struct lathe_tensors *file, struct lathe_error *error)
{
    const char *given = lathe_tensors_metadata(file, LATHE_SEAL);
    char digits[SEAL_DIGITS + 1];
    uint64_t hash;
    if (!given || strlen(given) != SEAL_DIGITS)
        return lathe_fail(error, LATHE_USER, "%s: not a checkpoint: checksum is %s", file->path,
                          given ? given : "missing");
    /* texts stand in the header where they were read */
    size_t place = sizeof(uint64_t) + (size_t)(given - file->header);
    if (!hash_file(file, place, &hash, error))
        return false;
    seal_text(hash, digits);
    return !strcmp(digits, given) ||
           lathe_fail(error, LATHE_USER, "%s: damaged: its checksum is %s, expected %s", file->path,
                      digits, given);
}

/* ---- writing ---- */

static void put_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    }
    fputc('"', out);
}

static void put_tensor(FILE *out, const struct lathe_stored *tensor, size_t begin)
{
    put_string(out, tensor->name);
    fputs(":{\"dtype\":\"F32\",\"shape\":[", out);
    for (int i = 0; i < tensor->rank; i++)
        fprintf(out, "%s%zu", i ? "," : "", tensor->dims[i]);
    fprintf(out, "],\"data_offsets\":[%zu,%zu]}", begin,
            begin + tensor->elements * sizeof *tensor->data);
}

/* The header with its length before it and the padding that puts the data on 8 bytes. Freed by
 * free(). */
static char *compose_header(const struct lathe_stored *tensors, int count,
                            const struct lathe_metadata *metadata, int metadata_count,
                            size_t *length)
{
    char *header = NULL;
    FILE *out = lathe_open_text(&header, length, "a file's header");
    uint64_t size = 0;
    fwrite(&size, sizeof size, 1, out);
    fputs("{\"__metadata__\":{", out);
    for (int i = 0; i < metadata_count; i++) {
        fputs(i ? "," : "", out);
        put_string(out, metadata[i].key);
        fputc(':', out);
        put_string(out, metadata[i].value);
    }
    fputc('}', out);
    size_t place = 0;
    for (int i = 0; i < count; i++) {
        fputc(',', out);
        put_tensor(out, &tensors[i], place);
        place += tensors[i].elements * sizeof *tensors[i].data;
    }
    fputc('}', out);
    fflush(out);
    for (size_t written = *length; written % 8; written++)
        fputc(' ', out);
    lathe_close_text(out, &header, "a file's header");
    size = *length - sizeof size;
    memcpy(header, &size, sizeof size);
    return header;
}

bool lathe_tensors_write(const char *path, const struct lathe_stored *tensors, int count,
                         const struct lathe_metadata *metadata, int metadata_count,
                         struct lathe_error *error)
{
    struct lathe_output output;
    if (!lathe_output_open(&output, path, error))
        return false;
    size_t length;
    char *header = compose_header(tensors, count, metadata, metadata_count, &length);
    seal(header, length, tensors, count);
    bool written = lathe_output_write(&output, header, length, error);
    free(header);
    for (int i = 0; written && i < count; i++)
        written = lathe_output_write(&output, tensors[i].data,
                                     tensors[i].elements * sizeof *tensors[i].data, error);
    if (written)
        return lathe_output_commit(&output, error);
    lathe_output_discard(&output);
    return false;
}

const char *lathe_shape_text(char text[LATHE_SHAPE_TEXT], int rank, const size_t *dims)
{
    int length = snprintf(text, LATHE_SHAPE_TEXT, "%s", rank ? "" : "scalar");
    for (int i = 0; i < rank; i++)
        length += snprintf(text + length, (size_t)(LATHE_SHAPE_TEXT - length), "%s%zu",
                           i ? "x" : "", dims[i]);
    return text;
}
