/*
 * safetensors_header: a JSON parser that knows just the header's grammar: objects of fixed depth,
 * strings, lists of natural numbers. Nothing recurses, so nothing nests too deeply.
 */
#include <stdlib.h>
#include <string.h>

#include "lathe.h"
#include "safetensors_header.h"

const struct lathe_dtype lathe_dtypes[LATHE_DTYPES] = {
    [LATHE_F32] = {"F32", 4},
    [LATHE_F64] = {"F64", 8},
    [LATHE_F16] = {"F16", 2},
    [LATHE_BF16] = {"BF16", 2},
    {"BOOL", 1},
    {"U8", 1},
    {"I8", 1},
    {"F8_E5M2", 1},
    {"F8_E4M3", 1},
    {"U16", 2},
    {"I16", 2},
    {"U32", 4},
    {"I32", 4},
    {"U64", 8},
    {"I64", 8},
};

/* ---- the header's grammar ---- */

struct parser {
    char *start, *at, *end; /* *end is NUL */
    const char *problem;    /* of the first error */
    char *place;
};

static bool refuse(struct parser *p, const char *problem)
{
    if (!p->problem) {
        p->problem = problem;
        p->place = p->at;
    }
    return false;
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && strchr(" \t\n\r", *p->at) && *p->at)
        p->at++;
}

/* Take C, if it is what comes next after white space. */
static bool take(struct parser *p, char c)
{
    skip_space(p);
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

static bool expect(struct parser *p, char c, const char *problem)
{
    return take(p, c) || refuse(p, problem);
}

/* Bytes of the well-formed UTF-8 sequence at AT, 0 for none (Unicode 15, table 3-7). */
static int utf8_length(const unsigned char *at, const unsigned char *end)
{
    unsigned char lead = *at;
    int length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead > 0xf4 || end - at < length)
        return 0;
    for (int i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool narrow = (lead == 0xe0 && at[1] < 0xa0) || (lead == 0xed && at[1] > 0x9f) ||
                  (lead == 0xf0 && at[1] < 0x90) || (lead == 0xf4 && at[1] > 0x8f);
    return narrow ? 0 : length;
}

/* Four hexadecimal digits into CODE. */
static bool take_hex(struct parser *p, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        const char *digits = "0123456789abcdef";
        char c = p->at < p->end ? *p->at : '\0';
        const char *digit = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
        if (!digit)
            return refuse(p, "expected four hexadecimal digits");
        *code = *code * 16 + (unsigned)(digit - digits);
    }
    return true;
}

/* What follows \u, as UTF-8 at *OUT. */
static bool take_unicode(struct parser *p, char **out)
{
    unsigned code, low;
    if (!take_hex(p, &code))
        return false;
    if (code >= 0xd800 && code < 0xdc00) {
        if (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u')
            return refuse(p, "half a surrogate pair");
        p->at += 2;
        if (!take_hex(p, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return refuse(p, "half a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code == 0 || (code >= 0xdc00 && code < 0xe000)) {
        return refuse(p, code ? "half a surrogate pair" : "NUL in a string");
    }
    char *o = *out;
    if (code < 0x80) {
        *o++ = (char)code;
    } else {
        int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        const unsigned char leads[] = {0, 0xc0, 0xe0, 0xf0};
        *o++ = (char)(leads[more] | code >> (6 * more));
        for (int i = more - 1; i >= 0; i--)
            *o++ = (char)(0x80 | ((code >> (6 * i)) & 0x3f));
    }
    *out = o;
    return true;
}

/* What follows a backslash, at *OUT. */
static bool take_escape(struct parser *p, char **out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char c = p->at < p->end ? *p->at : '\0';
    const char *letter = c ? strchr(letters, c) : NULL;
    if (c != 'u' && !letter)
        return refuse(p, "unknown escape in a string");
    p->at++;
    if (c == 'u')
        return take_unicode(p, out);
    *(*out)++ = meanings[letter - letters];
    return true;
}

/* A string; *TEXT points into the header, where it now stands unescaped (never longer than it was)
 * and ends in NUL. */
static bool take_string(struct parser *p, const char **text)
{
    if (!expect(p, '"', "expected a string"))
        return false;
    char *out = p->at;
    *text = out;
    while (p->at < p->end && *p->at != '"') {
        unsigned char c = (unsigned char)*p->at;
        int length = utf8_length((unsigned char *)p->at, (unsigned char *)p->end);
        if (c < 0x20 || !length)
            return refuse(p, c < 0x20 ? "control character in a string" : "not UTF-8");
        if (c == '\\') {
            p->at++;
            if (!take_escape(p, &out))
                return false;
            continue;
        }
        memmove(out, p->at, (size_t)length);
        out += length;
        p->at += length;
    }
    if (p->at == p->end)
        return refuse(p, "string without end");
    p->at++;
    *out = '\0';
    return true;
}

static bool take_natural(struct parser *p, size_t *number)
{
    skip_space(p);
    if (p->at == p->end || *p->at < '0' || *p->at > '9')
        return refuse(p, "expected a natural number");
    bool zero = *p->at == '0';
    *number = 0;
    for (int digits = 0; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++, digits++) {
        if (zero && digits)
            return refuse(p, "leading zero");
        if (__builtin_mul_overflow(*number, (size_t)10, number) ||
            __builtin_add_overflow(*number, (size_t)(*p->at - '0'), number))
            return refuse(p, "number too large");
    }
    if (p->at < p->end && strchr(".eE", *p->at) && *p->at)
        return refuse(p, "expected a natural number");
    return true;
}

/* A list of at most LIMIT natural numbers. */
static bool take_naturals(struct parser *p, size_t *numbers, int limit, int *count)
{
    *count = 0;
    if (!expect(p, '[', "expected a list"))
        return false;
    if (take(p, ']'))
        return true;
    do {
        if (*count == limit)
            return refuse(p, "list too long");
        if (!take_natural(p, &numbers[(*count)++]))
            return false;
    } while (take(p, ','));
    return expect(p, ']', "expected , or ]");
}

static bool take_dtype(struct parser *p, int *dtype)
{
    const char *name;
    if (!take_string(p, &name))
        return false;
    for (int i = 0; i < LATHE_DTYPES; i++)
        if (!strcmp(name, lathe_dtypes[i].name)) {
            *dtype = i;
            return true;
        }
    return refuse(p, "unknown dtype");
}

/* One field of a tensor. SEEN: a bit for each of the three. */
static bool take_field(struct parser *p, struct lathe_stored *tensor, unsigned *seen)
{
    enum { DTYPE = 1, SHAPE = 2, OFFSETS = 4 };
    const char *key;
    if (!take_string(p, &key) || !expect(p, ':', "expected :"))
        return false;
    unsigned field = !strcmp(key, "dtype")          ? DTYPE
                     : !strcmp(key, "shape")        ? SHAPE
                     : !strcmp(key, "data_offsets") ? OFFSETS
                                                    : 0;
    if (!field || *seen & field)
        return refuse(p, field ? "field given twice" : "unknown field of a tensor");
    *seen |= field;
    if (field == DTYPE)
        return take_dtype(p, &tensor->dtype);
    if (field == SHAPE)
        return take_naturals(p, tensor->dims, LATHE_TENSOR_RANK, &tensor->rank);
    size_t offsets[2];
    int count;
    if (!take_naturals(p, offsets, 2, &count))
        return false;
    if (count != 2 || offsets[0] > offsets[1])
        return refuse(p, "data_offsets must be [begin, end]");
    tensor->begin = offsets[0];
    tensor->end = offsets[1];
    return true;
}

/* A tensor's object; its shape and its bytes must agree. */
static bool take_tensor(struct parser *p, struct lathe_stored *tensor)
{
    unsigned seen = 0;
    if (!expect(p, '{', "expected {"))
        return false;
    do {
        if (!take_field(p, tensor, &seen))
            return false;
    } while (take(p, ','));
    if (!expect(p, '}', "expected , or }"))
        return false;
    if (seen != 7)
        return refuse(p, "a tensor needs dtype, shape and data_offsets");
    size_t bytes = lathe_dtypes[tensor->dtype].bytes;
    tensor->elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        if (__builtin_mul_overflow(tensor->elements, tensor->dims[i], &tensor->elements))
            return refuse(p, "shape too large");
    if (__builtin_mul_overflow(tensor->elements, bytes, &bytes) ||
        bytes != tensor->end - tensor->begin)
        return refuse(p, "shape and data_offsets disagree");
    return true;
}

/* Room for one more item of SIZE bytes in an array that is freed by free(). */
static void *grow(void *items, int count, int *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    int larger = *capacity ? *capacity * 2 : 64;
    void *copy = lathe_alloc((size_t)larger, size);
    if (count)
        memcpy(copy, items, (size_t)count * size);
    free(items);
    *capacity = larger;
    return copy;
}

static bool take_metadata(struct parser *p, struct lathe_tensors *file)
{
    if (!expect(p, '{', "expected {"))
        return false;
    if (take(p, '}'))
        return true;
    do {
        struct lathe_metadata item;
        if (!take_string(p, &item.key) || !expect(p, ':', "expected :") ||
            !take_string(p, &item.value))
            return false;
        file->metadata = grow(file->metadata, file->metadata_count, &file->metadata_capacity,
                              sizeof *file->metadata);
        file->metadata[file->metadata_count++] = item;
    } while (take(p, ','));
    return expect(p, '}', "expected , or }");
}

/* One "NAME": {...} of the header. */
static bool take_entry(struct parser *p, struct lathe_tensors *file, bool *metadata)
{
    struct lathe_stored tensor = {0};
    if (!take_string(p, &tensor.name) || !expect(p, ':', "expected :"))
        return false;
    if (!strcmp(tensor.name, "__metadata__")) {
        if (*metadata)
            return refuse(p, "__metadata__ given twice");
        *metadata = true;
        return take_metadata(p, file);
    }
    if (!take_tensor(p, &tensor))
        return false;
    file->tensors = grow(file->tensors, file->count, &file->capacity, sizeof *file->tensors);
    file->tensors[file->count++] = tensor;
    return true;
}

static bool take_header(struct parser *p, struct lathe_tensors *file)
{
    bool metadata = false;
    if (p->at == p->end || *p->at != '{')
        return refuse(p, "expected {");
    p->at++;
    if (!take(p, '}')) {
        do {
            if (!take_entry(p, file, &metadata))
                return false;
        } while (take(p, ','));
        if (!expect(p, '}', "expected , or }"))
            return false;
    }
    skip_space(p);
    return p->at == p->end || refuse(p, "something after the header's end");
}

/* ---- the whole file's rules ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct lathe_stored *)a)->name, ((const struct lathe_stored *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct lathe_metadata *)a)->key, ((const struct lathe_metadata *)b)->key);
}

static int by_place(const void *a, const void *b)
{
    const struct lathe_stored *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* Names once each; data from first byte to last without gap or overlap. Leaves tensors and metadata
 * ordered by name. */
static bool check_whole(struct lathe_tensors *file, struct lathe_error *error)
{
    size_t count = (size_t)file->count, place = 0, data_bytes = file->size - file->data;
    if (file->metadata_count)
        qsort(file->metadata, (size_t)file->metadata_count, sizeof *file->metadata, by_key);
    for (int i = 1; i < file->metadata_count; i++)
        if (!strcmp(file->metadata[i - 1].key, file->metadata[i].key))
            return lathe_fail(error, LATHE_USER, "%s: metadata %s given twice", file->path,
                              file->metadata[i].key);
    if (count)
        qsort(file->tensors, count, sizeof *file->tensors, by_name);
    for (size_t i = 1; i < count; i++)
        if (!strcmp(file->tensors[i - 1].name, file->tensors[i].name))
            return lathe_fail(error, LATHE_USER, "%s: tensor %s given twice", file->path,
                              file->tensors[i].name);
    if (count)
        qsort(file->tensors, count, sizeof *file->tensors, by_place);
    for (size_t i = 0; i < count; i++) {
        const struct lathe_stored *tensor = &file->tensors[i];
        if (tensor->begin != place)
            return lathe_fail(error, LATHE_USER,
                              "%s: tensor %s: data begins at byte %zu, expected %zu (%s)",
                              file->path, tensor->name, tensor->begin, place,
                              tensor->begin < place ? "overlap" : "gap");
        place = tensor->end;
    }
    if (place != data_bytes)
        return lathe_fail(error, LATHE_USER, "%s: tensors take %zu bytes of data, given %zu",
                          file->path, place, data_bytes);
    if (count)
        qsort(file->tensors, count, sizeof *file->tensors, by_name);
    return true;
}

bool lathe_tensors_parse(struct lathe_tensors *file, size_t length, struct lathe_error *error)
{
    struct parser parser = {
        .start = file->header, .at = file->header, .end = file->header + length};
    if (!take_header(&parser, file))
        return lathe_fail(error, LATHE_USER, "%s: header, byte %td: %s", file->path,
                          parser.place - parser.start, parser.problem);
    return check_whole(file, error);
}

const struct lathe_stored *lathe_tensors_find(const struct lathe_tensors *file, const char *name)
{
    struct lathe_stored key = {.name = name};
    return file->count ? bsearch(&key, file->tensors, (size_t)file->count, sizeof key, by_name)
                       : NULL;
}

const char *lathe_tensors_metadata(const struct lathe_tensors *file, const char *key)
{
    for (int i = 0; i < file->metadata_count; i++)
        if (!strcmp(file->metadata[i].key, key))
            return file->metadata[i].value;
    return NULL;
}
