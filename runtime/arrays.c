/*
 * NumPy's files of one array, as numpy.lib.format describes them:
 *
 *     \x93NUMPY, version (1.0 or 2.0), length of the header (2 or 4 bytes, little-endian)
 *     header: {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }
 *     the numbers, in C order
 *
 * Taken are |u1, <i4, <i8, <f4 and <f8. x is of one sample a row: bytes are kept as bytes (and
 * become x / 255), the others become floats. y is of one number, or of data->targets, a row.
 */
#include "data.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are little-endian");

enum { RANK_MAX = 8, HEADER_MAX = 1 << 16, TEST_EVERY = 5 };

/* An open file, read up to its numbers. */
struct array {
    char *path;
    struct lathe_input input;
    uint64_t begin; /* of the numbers in the file */
    char type;      /* 'u', 'i' or 'f' */
    int size;       /* bytes of a number */
    int rank;
    size_t dims[RANK_MAX];
};

/* ---- the header ---- */

/* Move *TEXT behind WORD and the white space before it, if it is there. */
static bool skip(const char **text, const char *word)
{
    size_t length = strlen(word);
    while (isspace((unsigned char)**text))
        ++*text;
    if (strncmp(*text, word, length) != 0)
        return false;
    *text += length;
    return true;
}

/* The tuple at *TEXT: "(3, 4)", "(3,)" or "()". */
static bool read_shape(const char **text, struct array *array)
{
    if (!skip(text, "("))
        return false;
    for (array->rank = 0; !skip(text, ")"); array->rank++) {
        char *end;
        if (array->rank == RANK_MAX || !isdigit((unsigned char)**text))
            return false;
        errno = 0;
        array->dims[array->rank] = strtoull(*text, &end, 10);
        if (errno)
            return false;
        *text = end;
        if (!skip(text, ",") && **text != ')')
            return false;
    }
    return true;
}

static bool read_type(const char **text, struct array *array)
{
    static const struct {
        const char *word;
        char type;
        int size;
    } types[] = {{"'|u1'", 'u', 1}, {"'<u1'", 'u', 1}, {"'<i4'", 'i', 4},
                 {"'<i8'", 'i', 8}, {"'<f4'", 'f', 4}, {"'<f8'", 'f', 8}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (skip(text, types[i].word)) {
            array->type = types[i].type;
            array->size = types[i].size;
            return true;
        }
    return false;
}

/* Read the header's TEXT, in which each key stands once. */
static void read_header(const char *text, struct array *array)
{
    bool type = false, order = false, shape = false;
    bool good = skip(&text, "{");
    while (good && !skip(&text, "}")) {
        if (!type && skip(&text, "'descr':")) {
            if (!(type = read_type(&text, array)))
                lathe_die(LATHE_USER,
                          "%s: numbers of type %.*s, expected |u1, <i4, <i8, <f4 or <f8",
                          array->path, (int)strcspn(text, ",}\n"), text);
        } else if (!order && skip(&text, "'fortran_order':")) {
            if (skip(&text, "True"))
                lathe_die(LATHE_USER, "%s: in Fortran's order, expected C's", array->path);
            good = order = skip(&text, "False");
        } else {
            good = !shape && skip(&text, "'shape':") && read_shape(&text, array);
            shape = true;
        }
        good = good && (skip(&text, ",") || *text == '}');
    }
    if (!good || !type || !order || !shape)
        lathe_die(LATHE_USER, "%s: damaged header", array->path);
}

/* Die unless the file has just the bytes that its header promises. */
static void check_size(const struct array *array)
{
    size_t bytes = (size_t)array->size, there = array->input.size - array->begin;
    bool huge = false;
    for (int i = 0; i < array->rank; i++)
        huge |= __builtin_mul_overflow(bytes, array->dims[i], &bytes);
    if (huge || bytes != there)
        lathe_die(LATHE_USER, "%s: the header promises %s%zu bytes, the file has %zu", array->path,
                  huge ? "more than " : "", huge ? SIZE_MAX : bytes, there);
}

/* The next COUNT bytes of ARRAY's file, which has them. */
static void read_bytes(const struct array *array, void *bytes, size_t count)
{
    struct lathe_error error;
    if (!lathe_input_read(&array->input, bytes, count, &error))
        lathe_die(error.status, "%s", error.message);
}

/* Read what stands before the header's text; returns its length, which the file has. */
static size_t read_length(struct array *array)
{
    enum { MAGIC = 8 };
    unsigned char head[12] = {0};
    size_t there = array->input.size < sizeof head ? array->input.size : sizeof head;
    if (there >= MAGIC)
        read_bytes(array, head, MAGIC);
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        lathe_die(LATHE_USER, "%s: not an array of NumPy's (.npy)", array->path);
    size_t wide = head[6] == 2 ? 4 : 2, length = 0;
    if (head[6] < 1 || head[6] > 2 || head[7] != 0)
        lathe_die(LATHE_USER, "%s: version %d.%d, expected 1.0 or 2.0", array->path, head[6],
                  head[7]);
    array->begin = MAGIC + wide;
    if (array->begin <= array->input.size) {
        read_bytes(array, head, wide);
        for (size_t i = wide; i > 0; i--)
            length = length << 8 | head[i - 1];
        array->begin += length;
    }
    if (array->begin > array->input.size || length > HEADER_MAX)
        lathe_die(LATHE_USER, "%s: damaged header", array->path);
    return length;
}

static struct array open_array(const char *folder, const char *name)
{
    struct array array = {.path = lathe_join(folder, name)};
    struct lathe_error error;
    if (!lathe_input_open(&array.input, array.path, &error))
        lathe_die(error.status, "%s", error.message);
    size_t length = read_length(&array);
    char *text = lathe_alloc(length + 1, 1);
    read_bytes(&array, text, length);
    read_header(text, &array);
    free(text);
    check_size(&array);
    return array;
}

static void close_array(struct array *array)
{
    lathe_input_close(&array->input);
    free(array->path);
}

/* ---- the numbers ---- */

/* "60000x28x28" */
static const char *shape_text(const struct array *array, char text[RANK_MAX * 24])
{
    int length = 0;
    text[0] = '\0';
    for (int i = 0; i < array->rank; i++)
        length += snprintf(text + length, (size_t)(RANK_MAX * 24 - length), "%s%zu", i ? "x" : "",
                           array->dims[i]);
    return text;
}

/* The samples of ARRAY, its first dimension. */
static int samples_of(const struct array *array)
{
    char text[RANK_MAX * 24];
    if (array->rank < 1 || array->dims[0] < 1 || array->dims[0] > INT_MAX)
        lathe_die(LATHE_USER, "%s: an array of shape (%s), expected 1 to %d samples", array->path,
                  shape_text(array, text), INT_MAX);
    return (int)array->dims[0];
}

/* The number at BYTES of ARRAY's type, as a double and as an integer. */
static double real_at(const struct array *array, const uint8_t *bytes, int64_t *whole)
{
    int32_t i4;
    float f4;
    double f8;
    *whole = *bytes;
    if (array->type == 'i' && array->size == 4)
        *whole = (memcpy(&i4, bytes, 4), i4);
    else if (array->type == 'i')
        memcpy(whole, bytes, 8);
    if (array->type != 'f')
        return (double)*whole;
    return array->size == 4 ? (memcpy(&f4, bytes, 4), (double)f4) : (memcpy(&f8, bytes, 8), f8);
}

/* Read COUNT numbers of ARRAY into NUMBERS, or where LABELS is not NULL into that. */
static void read_numbers(struct array *array, size_t count, float *numbers, int64_t *labels)
{
    enum { CHUNK = 1024 };
    uint8_t bytes[CHUNK * 8];
    size_t size = (size_t)array->size;
    for (size_t i = 0; i < count; i++) {
        size_t left = count - i;
        if (i % CHUNK == 0)
            read_bytes(array, bytes, size * (left < CHUNK ? left : CHUNK));
        int64_t whole;
        double real = real_at(array, bytes + i % CHUNK * size, &whole);
        if (!isfinite((float)real))
            lathe_die(LATHE_USER, "%s: number %zu is %g", array->path, i, real);
        if (labels)
            labels[i] = whole;
        else
            numbers[i] = (float)real;
    }
}

/* Are a row's dims DATA's shape? Of one channel the 1 may be left out, as may all but the product.
 */
static bool fits(const struct lathe_data *data, const struct array *array)
{
    const size_t shape[3] = {(size_t)data->channels, (size_t)data->load_height,
                             (size_t)data->load_width};
    size_t numbers = shape[0] * shape[1] * shape[2];
    const size_t *dims = array->dims + 1;
    if (array->rank == 4)
        return !memcmp(dims, shape, sizeof shape);
    if (array->rank == 3)
        return shape[0] == 1 && dims[0] == shape[1] && dims[1] == shape[2];
    return array->rank == 2 ? dims[0] == numbers : array->rank == 1 && numbers == 1;
}

static void read_x(const struct lathe_data *data, struct array *array,
                   struct lathe_dataset *dataset)
{
    char text[RANK_MAX * 24];
    dataset->count = samples_of(array);
    dataset->channels = data->channels;
    dataset->height = data->load_height;
    dataset->width = data->load_width;
    if (!fits(data, array))
        lathe_die(LATHE_USER, "%s: an array of shape (%s), expected samples of %dx%dx%d",
                  array->path, shape_text(array, text), data->channels, data->load_height,
                  data->load_width);
    size_t numbers = (size_t)data->channels * data->load_height * data->load_width;
    size_t total = (size_t)dataset->count * numbers; /* the file has as many: no overflow */
    if (array->type != 'u') {
        dataset->points = lathe_alloc(total, sizeof(float));
        read_numbers(array, total, dataset->points, NULL);
        return;
    }
    dataset->images = lathe_alloc(total, 1);
    read_bytes(array, dataset->images, total);
}

static void read_labels(struct array *array, struct lathe_dataset *dataset)
{
    size_t count = (size_t)dataset->count;
    int64_t *labels = lathe_alloc(count, sizeof *labels);
    if (array->type == 'f')
        lathe_die(LATHE_USER, "%s: floats, expected the numbers of %d classes", array->path,
                  dataset->classes);
    read_numbers(array, count, NULL, labels);
    dataset->labels = lathe_alloc(count, sizeof *dataset->labels);
    for (size_t i = 0; i < count; i++) {
        if (labels[i] < 0 || labels[i] >= dataset->classes)
            lathe_die(LATHE_USER, "%s: label %zu is %lld, expected 0 to %d", array->path, i,
                      (long long)labels[i], dataset->classes - 1);
        dataset->labels[i] = (int32_t)labels[i];
    }
    free(labels);
}

/* What the samples are to become: classes, or numbers. */
static void read_y(const struct lathe_data *data, struct array *array, const char *x_path,
                   struct lathe_dataset *dataset)
{
    char text[RANK_MAX * 24];
    int columns = data->classes ? 1 : data->targets;
    if (samples_of(array) != dataset->count)
        lathe_die(LATHE_USER, "%s: %zu samples, but %d in %s", array->path, array->dims[0],
                  dataset->count, x_path);
    bool fits = (array->rank == 1 && columns == 1) ||
                (array->rank == 2 && array->dims[1] == (size_t)columns);
    if (!fits)
        lathe_die(LATHE_USER, "%s: an array of shape (%s), expected %d number%s a sample",
                  array->path, shape_text(array, text), columns, columns == 1 ? "" : "s");
    if (data->classes) {
        read_labels(array, dataset);
        return;
    }
    dataset->targets = columns;
    dataset->values = lathe_alloc((size_t)dataset->count * columns, sizeof(float));
    read_numbers(array, (size_t)dataset->count * columns, dataset->values, NULL);
}

/* Without files for testing, keep of every five samples the last for that, the others to train. */
static void keep_split(bool train, struct lathe_dataset *dataset)
{
    int kept = 0;
    for (int i = 0; i < dataset->count; i++)
        if ((i % TEST_EVERY != TEST_EVERY - 1) == train)
            lathe_move_sample(dataset, i, kept++);
    if (!kept)
        lathe_die(LATHE_USER, "arrays: %d samples, of which every fifth is for tests: none is left",
                  dataset->count);
    dataset->count = kept;
}

void lathe_read_arrays(const struct lathe_data *data, const char *folder, bool train,
                       struct lathe_dataset *dataset)
{
    int first = !train && data->files[2] ? 2 : 0;
    struct array x = open_array(folder, data->files[first]);
    read_x(data, &x, dataset);
    if (data->target == LATHE_TARGET_OWN) {
        struct array y = open_array(folder, data->files[first + 1]);
        read_y(data, &y, x.path, dataset);
        close_array(&y);
    }
    close_array(&x);
    if (!data->files[2])
        keep_split(train, dataset);
}
