/*
 * The runtime room: parameters between their layouts, safetensors files good and hostile,
 * optimizers and schedules against PyTorch's numbers, the command line, and the two programs with a
 * small network written by hand.
 *
 * Programs run in forked children. The process that forks never enters a parallel region (libgomp
 * does not survive it), and Check forks a process a test, so do not run this with CK_FORK=no.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "softmax.h"

#include "../runtime/args.h"
#include "../runtime/checkpoint.h"
#include "../runtime/lathe.h"
#include "../runtime/log.h"
#include "../runtime/random.h"
#include "../runtime/weights.h"

Suite *runtime_suite(void);

/* ---- dying ---- */

static int die_of_a_bad_name(int argc, char **argv)
{
    (void)argc;
    lathe_die(LATHE_USER, "%s: two\nlines \033[31m", argv[1]);
}

START_TEST(dying_takes_one_line)
{
    assert_dies(die_of_a_bad_name, LATHE_USER, "file: two?lines ?[31m", "file", NULL);
}
END_TEST

static int allocate_too_much(int argc, char **argv)
{
    (void)argc, (void)argv;
    return lathe_alloc(SIZE_MAX / 2, 3) != NULL;
}

START_TEST(memory_is_aligned_and_zero)
{
    static const size_t sizes[] = {0, 1, 63, 64, 65, 2 << 20, (2 << 20) + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *memory = lathe_alloc(sizes[i], 1);
        ck_assert_uint_eq((uintptr_t)memory % (sizes[i] >= 2 << 20 ? 2 << 20 : 64), 0);
        for (size_t j = 0; j < sizes[i]; j += 1 + sizes[i] / 100)
            ck_assert_uint_eq(memory[j], 0);
        free(memory);
    }
    assert_dies(allocate_too_much, LATHE_RESOURCE, "out of memory", NULL);
}
END_TEST

/* ---- parameters ---- */

static uint64_t test_seed = 20240611;

/* A number below LIMIT that depends on (case, draw). */
static int below(int draw, int which, int limit)
{
    return (
        int)(lathe_random(test_seed, LATHE_STREAM_TEST, (uint32_t)draw, (uint32_t)which, 0).v[0] %
             (uint32_t)limit);
}

/* The input's block of the I-th channel that output channel K of P reads. */
static int block_of(const struct lathe_parameter *p, int k, int i)
{
    return (k / (p->out / p->groups) * (p->in / p->groups) + i) / p->block_out;
}

/* Blocks of input channels that a block of P's output channels meets, at most. */
static int widest_window(const struct lathe_parameter *p)
{
    int widest = 0;
    for (int k = 0; k < p->out; k++) {
        int first = block_of(p, k / p->block_out * p->block_out, 0);
        int last = block_of(p, k, p->in / p->groups - 1);
        widest = last - first + 1 > widest ? last - first + 1 : widest;
    }
    return widest;
}

/* Case CASE_INDEX: a shape, groups and spans that divide it, and blocks that need not. */
static struct lathe_parameter random_parameter(int case_index)
{
    static const int groups[] = {1, 1, 2, 4, 6};
    struct lathe_parameter p = {.name = "p", .rank = 4, .trainable = true};
    p.groups = groups[below(case_index, 0, 5)];
    p.spans = 1 + below(case_index, 1, p.groups);
    while (p.groups % p.spans)
        p.spans--;
    p.out = p.groups * (1 + below(case_index, 2, 9));
    p.in = p.groups * (1 + below(case_index, 3, 7));
    p.kh = 1 + below(case_index, 4, 3);
    p.kw = 1 + below(case_index, 5, 4);
    p.block_out = 1 << below(case_index, 6, 5);
    p.block_in = 1 + below(case_index, 7, 9);
    if (case_index % 3 == 0) {
        p.spans = 1;
        p.block_in = p.in / p.groups;
        p.window = widest_window(&p);
    }
    p.dims[0] = p.out;
    p.dims[1] = p.in / p.groups;
    p.dims[2] = p.kh;
    p.dims[3] = p.kw;
    return p;
}

/* The logical index that stands at place [kb][cb][y][x][ci][ki], or -1: lathe.h's words, slowly. */
static int logical_index(const struct lathe_parameter *p, int k, int c, int y, int x)
{
    int span_channels = p->in / p->spans, group_channels = p->in / p->groups;
    if (k >= p->out || c >= span_channels)
        return -1;
    int channel = k / (p->out / p->spans) * span_channels + c; /* of the whole input */
    int group = k / (p->out / p->groups);
    if (channel / group_channels != group)
        return -1;
    return ((k * group_channels + channel % group_channels) * p->kh + y) * p->kw + x;
}

/* The same for narrow groups, at place [kb][b][y][x][i][ki]. */
static int narrow_index(const struct lathe_parameter *p, int k, int b, int y, int x, int i)
{
    int first = block_of(p, k / p->block_out * p->block_out, 0);
    if (k >= p->out || block_of(p, k, i) - first != b)
        return -1;
    return ((k * p->block_in + i) * p->kh + y) * p->kw + x;
}

/* Call the places of P in packed order: index[place] = logical index or -1. Returns how many. */
static size_t packed_order(const struct lathe_parameter *p, int *index)
{
    size_t place = 0;
    int blocks = (p->in / p->spans + p->block_in - 1) / p->block_in;
    for (int kb = 0; kb * p->block_out < p->out; kb++)
        for (int cb = 0; cb < (p->window ? p->window : blocks); cb++)
            for (int y = 0; y < p->kh; y++)
                for (int x = 0; x < p->kw; x++)
                    for (int ci = 0; ci < p->block_in; ci++)
                        for (int ki = 0; ki < p->block_out; ki++) {
                            int k = kb * p->block_out + ki;
                            index[place++] = p->window
                                                 ? narrow_index(p, k, cb, y, x, ci)
                                                 : logical_index(p, k, cb * p->block_in + ci, y, x);
                        }
    return place;
}

START_TEST(packing_is_as_defined)
{
    enum { ROOM = 1 << 20 };
    int *index = calloc(ROOM, sizeof *index);
    for (int i = 0; i < 300; i++) {
        struct lathe_parameter p = random_parameter(i);
        size_t elements = lathe_parameter_elements(&p), floats = lathe_parameter_floats(&p);
        ck_assert_msg(packed_order(&p, index) == floats, "case %d of seed %" PRIu64, i, test_seed);
        float *logical = lathe_alloc(elements, 4), *back = lathe_alloc(elements, 4);
        float *packed = lathe_alloc(floats, 4), *dirty = lathe_alloc(floats, 4);
        for (size_t j = 0; j < elements; j++)
            logical[j] = (float)(j + 1);
        for (size_t j = 0; j < floats; j++)
            packed[j] = dirty[j] = -1.0f;
        lathe_pack(&p, logical, packed);
        lathe_mask_groups(&p, dirty);
        for (size_t j = 0; j < floats; j++) {
            float expected = index[j] < 0 ? 0.0f : logical[index[j]];
            ck_assert_msg(packed[j] == expected && dirty[j] == (index[j] < 0 ? 0.0f : -1.0f),
                          "case %d of seed %" PRIu64 ", place %zu", i, test_seed, j);
        }
        lathe_unpack(&p, packed, back);
        ck_assert_mem_eq(back, logical, elements * sizeof *logical);
        free(logical);
        free(back);
        free(packed);
        free(dirty);
    }
    free(index);
}
END_TEST

/* Mean and deviation of COUNT floats. */
static void moments_of(const float *x, size_t count, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i];
    *mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += ((double)x[i] - *mean) * ((double)x[i] - *mean);
    *deviation = sqrt(squares / (double)count);
}

START_TEST(fresh_parameters_are_distributed)
{
    enum { COUNT = 100000 };
    struct lathe_parameter p = {.rank = 1, .dims = {COUNT}, .init = LATHE_UNIFORM, .value = 0.25};
    float *x = calloc(COUNT, sizeof *x), *y = calloc(COUNT, sizeof *y);
    double mean, deviation;
    lathe_initialise(&p, 3, 7, x);
    for (int i = 0; i < COUNT; i++)
        ck_assert(x[i] >= -0.25f && x[i] <= 0.25f);
    moments_of(x, COUNT, &mean, &deviation);
    ck_assert_double_eq_tol(mean, 0, 0.002);
    ck_assert_double_eq_tol(deviation, 0.25 / sqrt(3), 0.001);
    lathe_initialise(&p, 4, 7, y);
    ck_assert_int_ne(memcmp(x, y, COUNT * sizeof *x), 0);
    p.init = LATHE_NORMAL;
    lathe_initialise(&p, 3, 7, x);
    moments_of(x, COUNT, &mean, &deviation);
    ck_assert_double_eq_tol(mean, 0, 0.004);
    ck_assert_double_eq_tol(deviation, 0.25, 0.003);
    int within = 0;
    for (int i = 0; i < COUNT; i++)
        within += fabsf(x[i]) < 0.25f;
    ck_assert_double_eq_tol((double)within / COUNT, 0.6827, 0.006);
    p.init = LATHE_CONSTANT;
    lathe_initialise(&p, 3, 7, x);
    ck_assert(x[0] == 0.25f && x[COUNT - 1] == 0.25f);
    free(x);
    free(y);
}
END_TEST

/* Draws know nothing of how they will be packed. */
START_TEST(fresh_parameters_ignore_blocks)
{
    struct lathe_parameter p[2];
    for (int i = 0; i < 2; i++) {
        p[i] = (struct lathe_parameter){.name = "w",
                                        .rank = 2,
                                        .dims = {10, 21},
                                        .out = 10,
                                        .in = 21,
                                        .kh = 1,
                                        .kw = 1,
                                        .groups = 1,
                                        .spans = 1,
                                        .block_out = i ? 16 : 1,
                                        .block_in = i ? 8 : 1,
                                        .init = LATHE_NORMAL,
                                        .value = 1};
        struct lathe_model model = {.parameters = &p[i], .parameter_count = 1};
        float *state = lathe_alloc(lathe_parameter_floats(&p[i]), sizeof *state);
        float drawn[210], unpacked[210];
        lathe_initialise_all(&model, 5, state);
        lathe_unpack(&p[i], state, unpacked);
        lathe_initialise(&p[i], 0, 5, drawn);
        ck_assert_mem_eq(drawn, unpacked, sizeof drawn);
        free(state);
    }
}
END_TEST

/* ---- safetensors ---- */

/* A file of HEADER and DATA_SIZE bytes of data 0, 1, 2, ... */
static void write_tensors(const char *path, const char *header, size_t data_size)
{
    size_t length = strlen(header);
    unsigned char *bytes = calloc(8 + length + data_size, 1);
    uint64_t size = length;
    memcpy(bytes, &size, 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + length + i] = (unsigned char)i;
    write_bytes(path, bytes, 8 + length + data_size);
    free(bytes);
}

/* {"a": F32 [2,1] = 1, -2; "b": F32 [] = 0.5}, byte for byte as the format's page has it. */
static const char handmade[] =
    "\x90\0\0\0\0\0\0\0"
    "{\"__metadata__\":{\"format\":\"pt\"},\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":["
    "8,12]},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}    "
    "\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f";

START_TEST(a_file_made_by_hand_is_read)
{
    struct lathe_tensors file;
    struct lathe_error error;
    write_bytes(in_root("h"), handmade, sizeof handmade - 1);
    ck_assert_msg(lathe_tensors_open(&file, in_root("h"), &error), "%s", error.message);
    ck_assert_int_eq(file.count, 2);
    ck_assert_str_eq(lathe_tensors_metadata(&file, "format"), "pt");
    ck_assert_ptr_null(lathe_tensors_metadata(&file, "lathe"));
    const struct lathe_stored *a = lathe_tensors_find(&file, "a");
    const struct lathe_stored *b = lathe_tensors_find(&file, "b");
    ck_assert(a && b && !lathe_tensors_find(&file, "c"));
    ck_assert(a->rank == 2 && a->dims[0] == 2 && a->dims[1] == 1 && b->rank == 0);
    float values[2];
    ck_assert(lathe_tensors_read(&file, a, values, &error));
    ck_assert(values[0] == 1.0f && values[1] == -2.0f);
    ck_assert(lathe_tensors_read(&file, b, values, &error));
    ck_assert(values[0] == 0.5f);
    lathe_tensors_close(&file);
    ck_assert(lathe_tensors_open_memory(&file, "inside", handmade, sizeof handmade - 1, &error));
    ck_assert(lathe_tensors_read(&file, lathe_tensors_find(&file, "a"), values, &error));
    ck_assert(values[1] == -2.0f);
    lathe_tensors_close(&file);
}
END_TEST

START_TEST(tensors_survive_the_round_trip)
{
    const float x[6] = {1, -0.0f, 3e-40f, INFINITY, NAN, 6}, y[1] = {7};
    const struct lathe_stored tensors[] = {
        {.name = "z \"quoted\" \\ \n \xc3\xa4",
         .rank = 2,
         .dims = {2, 3},
         .elements = 6,
         .data = x},
        {.name = "empty", .rank = 1, .dims = {0}, .elements = 0, .data = x},
        {.name = "a", .rank = 0, .elements = 1, .data = y}};
    const struct lathe_metadata metadata[] = {{"lathe", "0.1 \t\"x\""},
                                              {"seed", "18446744073709551615"}};
    struct lathe_error error;
    const char *path = in_root("t.safetensors"), *again = in_root("u.safetensors");
    ck_assert(lathe_tensors_write(path, tensors, 3, metadata, 2, &error));
    ck_assert(lathe_tensors_write(again, tensors, 3, metadata, 2, &error));
    assert_same_file(path, again);
    ck_assert_int_eq(matches(".*.tmp"), 0);
    struct lathe_tensors file;
    ck_assert_msg(lathe_tensors_open(&file, path, &error), "%s", error.message);
    ck_assert_uint_eq(file.data % 8, 0);
    for (int i = 0; i < 3; i++) {
        const struct lathe_stored *found = lathe_tensors_find(&file, tensors[i].name);
        ck_assert_ptr_nonnull(found);
        ck_assert_int_eq(found->rank, tensors[i].rank);
        ck_assert_mem_eq(found->dims, tensors[i].dims, sizeof found->dims);
        float values[6];
        ck_assert(lathe_tensors_read(&file, found, values, &error));
        if (tensors[i].elements)
            ck_assert_mem_eq(values, tensors[i].data, tensors[i].elements * sizeof *values);
    }
    ck_assert_str_eq(lathe_tensors_metadata(&file, "lathe"), "0.1 \t\"x\"");
    ck_assert_str_eq(lathe_tensors_metadata(&file, "seed"), "18446744073709551615");
    lathe_tensors_close(&file);
}
END_TEST

START_TEST(other_number_formats_are_read)
{
    static const struct {
        const char *dtype;
        unsigned char bytes[16];
        size_t size;
        float expected[2];
    } cases[] = {
        {"F16", {0x00, 0x3c, 0x01, 0x00}, 4, {1.0f, 0x1p-24f}},
        {"F16", {0xff, 0xfb, 0x00, 0xfc}, 4, {-65504.0f, -INFINITY}},
        {"BF16", {0x80, 0x3f, 0x49, 0xc0}, 4, {1.0f, -3.140625f}},
        {"F64", {0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0}, 16, {1.5f, -2.0f}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned char bytes[256];
        char header[128];
        uint64_t length =
            (uint64_t)snprintf(header, sizeof header,
                               "{\"x\":{\"dtype\":\"%s\",\"shape\":[2],\"data_offsets\":[0,%zu]}}",
                               cases[i].dtype, cases[i].size);
        memcpy(bytes, &length, 8);
        memcpy(bytes + 8, header, length);
        memcpy(bytes + 8 + length, cases[i].bytes, cases[i].size);
        struct lathe_tensors file;
        struct lathe_error error;
        float values[2];
        ck_assert_msg(
            lathe_tensors_open_memory(&file, "x", bytes, 8 + length + cases[i].size, &error), "%s",
            error.message);
        ck_assert(lathe_tensors_read(&file, &file.tensors[0], values, &error));
        ck_assert_msg(values[0] == cases[i].expected[0] && values[1] == cases[i].expected[1],
                      "%s: %g %g", cases[i].dtype, (double)values[0], (double)values[1]);
        lathe_tensors_close(&file);
    }
}
END_TEST

#define TENSOR(name, dtype, shape, offsets)                                                        \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

static const struct hostile {
    const char *header;
    size_t data;
    const char *message; /* part of it; NULL: the file is good */
} hostile[] = {
    {"{}", 0, NULL},
    {"{ }  \n\t", 0, NULL},
    {"{" TENSOR("a", "F32", "1", "0,4") "}", 4, NULL},
    {"{\n \"a\" : { \"shape\" : [ 1 ] , \"data_offsets\" : [ 0 , 4 ] , \"dtype\" : \"F32\" } } ", 4,
     NULL},
    {"{" TENSOR("a", "F32", "1", "4,8") "," TENSOR("b", "F32", "1", "0,4") "}", 8, NULL},
    {"{" TENSOR("a", "F32", "0", "0,0") "," TENSOR("b", "I64", "", "0,8") "}", 8, NULL},
    {"{\"\\u00e4\\ud83d\\ude00\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, NULL},
    {"", 0, "expected {"},
    {" {}", 0, "byte 0: expected {"},
    {"[]", 0, "expected {"},
    {"{}x", 0, "something after"},
    {"{}{}", 0, "something after"},
    {"{", 0, "expected a string"},
    {"{\"a", 0, "string without end"},
    {"{\"a\"", 0, "expected :"},
    {"{\"a\":", 0, "expected {"},
    {"{\"a\":1}", 0, "expected {"},
    {"{\"a\":{}}", 0, "expected a string"},
    {"{" TENSOR("a", "F32", "1", "0,4") ",}", 4, "expected a string"},
    {"{" TENSOR("a", "F32", "1", "0,4"), 4, "expected , or }"},
    {"{" TENSOR("a", "F32", "1", "0,4") " " TENSOR("b", "F32", "0", "4,4") "}", 4,
     "expected , or }"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "needs dtype, shape and data_offsets"},
    {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 4, "field given twice"},
    {"{\"a\":{\"dtype\":\"F32\",\"color\":1}}", 4, "unknown field"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":{\"a\":{\"a\":{}}}}}", 4, "expected a list"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[[[[[[1]]]]]]}}", 4, "expected a natural number"},
    {"{" TENSOR("a", "F33", "1", "0,4") "}", 4, "unknown dtype"},
    {"{" TENSOR("a", "f32", "1", "0,4") "}", 4, "unknown dtype"},
    {"{" TENSOR("a", "F32", "-1", "0,4") "}", 4, "expected a natural number"},
    {"{" TENSOR("a", "F32", "1.0", "0,4") "}", 4, "expected a natural number"},
    {"{" TENSOR("a", "F32", "1e0", "0,4") "}", 4, "expected a natural number"},
    {"{" TENSOR("a", "F32", "01", "0,4") "}", 4, "leading zero"},
    {"{" TENSOR("a", "F32", "1,", "0,4") "}", 4, "expected a natural number"},
    {"{" TENSOR("a", "F32", "1 1", "0,4") "}", 4, "expected , or ]"},
    {"{" TENSOR("a", "F32", "99999999999999999999", "0,4") "}", 4, "number too large"},
    {"{" TENSOR("a", "F32", "4294967296,4294967296", "0,4") "}", 4, "shape too large"},
    {"{" TENSOR("a", "F32", "4611686018427387905", "0,4") "}", 4,
     "shape and data_offsets disagree"},
    {"{" TENSOR("a", "F32", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4, "list too long"},
    {"{" TENSOR("a", "F32", "2", "0,4") "}", 4, "shape and data_offsets disagree"},
    {"{" TENSOR("a", "F32", "1", "4,0") "}", 4, "data_offsets must be"},
    {"{" TENSOR("a", "F32", "1", "0") "}", 4, "data_offsets must be"},
    {"{" TENSOR("a", "F32", "1", "0,4,8") "}", 4, "list too long"},
    {"{" TENSOR("a", "F32", "1", "4,8") "}", 8,
     "tensor a: data begins at byte 4, expected 0 (gap)"},
    {"{" TENSOR("a", "F32", "2", "0,8") "," TENSOR("b", "F32", "1", "4,8") "}", 8,
     "tensor b: data begins at byte 4, expected 8 (overlap)"},
    {"{" TENSOR("a", "F32", "1", "0,4") "," TENSOR("b", "F32", "1", "0,4") "}", 4, "(overlap)"},
    {"{" TENSOR("a", "F32", "1", "0,4") "," TENSOR("a", "F32", "1", "4,8") "}", 8,
     "tensor a given twice"},
    {"{" TENSOR("a", "F32", "1", "0,4") "," TENSOR("\\u0061", "F32", "1", "4,8") "}", 8,
     "tensor a given twice"},
    {"{" TENSOR("a", "F32", "1", "0,4") "}", 3, "tensors take 4 bytes of data, given 3"},
    {"{" TENSOR("a", "F32", "1", "0,4") "}", 5, "tensors take 4 bytes of data, given 5"},
    {"{}", 1, "tensors take 0 bytes of data, given 1"},
    {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", 0, "metadata a given twice"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__ given twice"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "expected a string"},
    {"{\"__metadata__\":{\"a\":{}}}", 0, "expected a string"},
    {"{\"__metadata__\":null}", 0, "expected {"},
    {"{\"a\\x\":1}", 0, "unknown escape"},
    {"{\"a\\", 0, "unknown escape"},
    {"{\"\\u12", 0, "four hexadecimal"},
    {"{\"\\u12g4\":1}", 0, "four hexadecimal"},
    {"{\"\\u0000\":1}", 0, "NUL in a string"},
    {"{\"\\ud800\":1}", 0, "surrogate"},
    {"{\"\\udc00\":1}", 0, "surrogate"},
    {"{\"\\ud800\\u0041\":1}", 0, "surrogate"},
    {"{\"a\nb\":1}", 0, "control character"},
    {"{\"\xff\":1}", 0, "not UTF-8"},
    {"{\"\xc0\x80\":1}", 0, "not UTF-8"},
    {"{\"\xed\xa0\x80\":1}", 0, "not UTF-8"},
    {"{\"\xe2\x82", 0, "not UTF-8"},
};

START_TEST(hostile_headers_are_refused)
{
    const struct hostile *h = &hostile[_i];
    struct lathe_tensors file;
    struct lathe_error error = {0};
    write_tensors(in_root("h"), h->header, h->data);
    bool good = lathe_tensors_open(&file, in_root("h"), &error);
    if (good)
        lathe_tensors_close(&file);
    ck_assert_msg(good == !h->message, "'%s': %s", h->header, good ? "accepted" : error.message);
    ck_assert_msg(good || strstr(error.message, h->message), "'%s': expected '%s', given '%s'",
                  h->header, h->message, error.message);
}
END_TEST

START_TEST(hostile_lengths_are_refused)
{
    static const uint64_t lengths[] = {
        3, 100, 100000001, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63};
    struct lathe_tensors file;
    struct lathe_error error;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char bytes[10] = "........{}";
        memcpy(bytes, &lengths[i], 8);
        write_bytes(in_root("h"), bytes, sizeof bytes);
        ck_assert(!lathe_tensors_open(&file, in_root("h"), &error));
        ck_assert_msg(strstr(error.message, "not a safetensors file: header of"), "%s",
                      error.message);
    }
    for (size_t size = 0; size < 8; size++) {
        write_bytes(in_root("h"), "\2\0\0\0\0\0\0", size);
        ck_assert(!lathe_tensors_open(&file, in_root("h"), &error));
    }
    ck_assert(!lathe_tensors_open(&file, root, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "not a plain file"));
    ck_assert(!lathe_tensors_open(&file, in_root("none"), &error));
    ck_assert_ptr_nonnull(strstr(error.message, "No such file"));
}
END_TEST

/* Files with a few bytes changed or cut are refused or read, never worse. The sanitizers watch. */
START_TEST(damaged_files_do_no_harm)
{
    enum { SIZE = sizeof handmade - 1 };
    for (int i = 0; i < 20000; i++) {
        unsigned char bytes[SIZE];
        memcpy(bytes, handmade, SIZE);
        for (int j = 0; j <= below(i, 0, 3); j++)
            bytes[below(i, 1 + 2 * j, SIZE)] = (unsigned char)below(i, 2 + 2 * j, 256);
        size_t size = below(i, 9, 4) ? SIZE : (size_t)below(i, 10, SIZE);
        unsigned char *exact = malloc(size + !size); /* so that a read past the end is seen */
        memcpy(exact, bytes, size);
        struct lathe_tensors file;
        struct lathe_error error;
        if (lathe_tensors_open_memory(&file, "x", exact, size, &error)) {
            float values[SIZE];
            for (int j = 0; j < file.count; j++)
                lathe_tensors_read(&file, &file.tensors[j], values, &error);
            lathe_tensors_close(&file);
        }
        free(exact);
    }
}
END_TEST

START_TEST(a_failed_write_keeps_what_was_there)
{
    static float many[100000];
    const struct lathe_stored tensor = {
        .name = "x", .rank = 1, .dims = {100000}, .elements = 100000, .data = many};
    struct lathe_error error;
    const char *path = in_root("w.safetensors");
    write_bytes(path, "before", 6);
    struct rlimit limit = {.rlim_cur = 65536, .rlim_max = 65536};
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert(!lathe_tensors_write(path, &tensor, 1, NULL, 0, &error));
    ck_assert_int_eq(error.status, LATHE_RESOURCE);
    ck_assert_ptr_nonnull(strstr(error.message, "w.safetensors: cannot write: File too large"));
    size_t size;
    char *bytes = read_bytes(path, &size);
    ck_assert_str_eq(bytes, "before");
    free(bytes);
    ck_assert_int_eq(matches(".*.tmp"), 0);
    ck_assert(!lathe_tensors_write("/dev/null", &tensor, 1, NULL, 0, &error));
    ck_assert(!lathe_tensors_write(root, &tensor, 1, NULL, 0, &error));
    ck_assert(!lathe_output_possible(in_root("none/x"), &error));
    ck_assert_ptr_nonnull(strstr(error.message, "No such file or directory"));
}
END_TEST

START_TEST(a_link_is_followed)
{
    const float x[1] = {1};
    const struct lathe_stored tensor = {.name = "x", .rank = 0, .elements = 1, .data = x};
    struct lathe_error error;
    write_bytes(in_root("real"), "before", 6);
    ck_assert_int_eq(symlink("real", in_root("link")), 0);
    ck_assert(lathe_tensors_write(in_root("link"), &tensor, 1, NULL, 0, &error));
    struct stat status;
    ck_assert_int_eq(lstat(in_root("link"), &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    assert_same_file(in_root("link"), in_root("real"));
}
END_TEST

/* ---- weights of a network ---- */

static const struct lathe_parameter lenet_parameters[] = {
    {"conv1.weight",
     4,
     {6, 1, 5, 5},
     true,
     0,
     6,
     1,
     5,
     5,
     1,
     1,
     0,
     8,
     1,
     LATHE_UNIFORM,
     0.2,
     NULL,
     0,
     0},
    {"conv1.bias", 1, {6}, true, 200, 6, 1, 1, 1, 1, 1, 0, 8, 1, LATHE_UNIFORM, 0.2, NULL, 0, 0},
};

static const struct lathe_model lenet = {.name = "lenet5",
                                         .parameters = lenet_parameters,
                                         .parameter_count = 2,
                                         .trainable_floats = 208,
                                         .state_floats = 208};

static int read_lenet(int argc, char **argv)
{
    (void)argc;
    if (chdir(root) < 0)
        return 98;
    free(lathe_read_weights(&lenet, argv[1]));
    return 0;
}

#define CONV1 TENSOR("conv1.weight", "F32", "6,1,5,5", "0,600")
#define BIAS1 TENSOR("conv1.bias", "F32", "6", "600,624")

static const struct {
    const char *header;
    size_t data;
    const char *message;
} misfits[] = {
    {"{" TENSOR("conv1.weight", "F32", "64,3,3,3", "0,6912") "}", 6912,
     "weights.safetensors: conv1.weight: expected 6x1x5x5, given 64x3x3x3\n"},
    {"{" TENSOR("conv1.weight", "F32", "", "0,4") "}", 4,
     "weights.safetensors: conv1.weight: expected 6x1x5x5, given scalar\n"},
    {"{}", 0, "weights.safetensors: has no tensor conv1.weight (expected 6x1x5x5)\n"},
    {"{" CONV1 "}", 600, "weights.safetensors: has no tensor conv1.bias (expected 6)\n"},
    {"{" TENSOR("conv1.weight", "I32", "6,1,5,5", "0,600") "," BIAS1 "}", 624,
     "weights.safetensors: conv1.weight: expected F32, given I32\n"},
};

START_TEST(weights_of_another_network)
{
    write_tensors(in_root("weights.safetensors"), misfits[_i].header, misfits[_i].data);
    assert_dies(read_lenet, LATHE_USER, misfits[_i].message, "weights.safetensors", NULL);
}
END_TEST

START_TEST(weights_go_to_files_and_back)
{
    float state[208] = {0};
    lathe_initialise_all(&lenet, 3, state);
    lathe_write_weights(&lenet, state, in_root("w.safetensors"));
    float **logical = lathe_read_weights(&lenet, in_root("w.safetensors"));
    for (int i = 0; i < 2; i++) {
        float unpacked[150];
        lathe_unpack(&lenet_parameters[i], state + lenet_parameters[i].offset, unpacked);
        ck_assert_mem_eq(unpacked, logical[i],
                         lathe_parameter_elements(&lenet_parameters[i]) * sizeof(float));
        ck_assert_uint_eq((uintptr_t)logical[i] % 64, 0);
    }
    free(logical);
    /* PyTorch counts batches in its files; that is no reason to refuse them */
    write_tensors(
        in_root("p"),
        "{" CONV1 "," BIAS1 "," TENSOR("bn.num_batches_tracked", "I64", "", "624,632") "}", 632);
    free(lathe_read_weights(&lenet, in_root("p")));
}
END_TEST

/* ---- the command line ---- */

static int parse(int argc, char **argv)
{
    static int64_t epochs = 16;
    static double lr = 0.01;
    static const char *save;
    static bool quiet;
    static struct lathe_option table[] = {
        {"epochs", "N", "times through", LATHE_OPTION_WHOLE, &epochs, 1, 100, 0},
        {"lr", "X", "rate", LATHE_OPTION_REAL, &lr, 0, 10, 0},
        {"save", "FILE", "weights", LATHE_OPTION_TEXT, &save, 0, 0, 0},
        {"quiet", NULL, "less", LATHE_OPTION_FLAG, &quiet, 0, 0, 0},
    };
    const struct lathe_command command = {"Tests options.", "[options] WORD...", "--epochs 3\n",
                                          table, 4};
    int rest;
    if (lathe_parse_arguments(&command, argc, argv, &rest)) {
        printf("%" PRId64 " %g %s %d %d", epochs, lr, save ? save : "-", quiet,
               lathe_option_given(&command, "epochs"));
        for (int i = 0; i < rest; i++)
            printf(" [%s]", argv[1 + i]);
    }
    return 0;
}

static const struct {
    char *words[6];
    int status;
    const char *text; /* all of stdout, or a part of stderr */
} argument_cases[] = {
    {{NULL}, 0, "16 0.01 - 0 0"},
    {{"--epochs", "3", "--lr=0.5", "--quiet", NULL}, 0, "3 0.5 - 1 1"},
    {{"--epochs=3", "--epochs=4", NULL}, 0, "4 0.01 - 0 1"},
    {{"a", "--save", "-x", "b", NULL}, 0, "16 0.01 -x 0 0 [a] [b]"},
    {{"--", "--quiet", NULL}, 0, "16 0.01 - 0 0 [--quiet]"},
    {{"--epoch", "3", NULL}, 2, "unknown option --epoch; the nearest is --epochs"},
    {{"--safe=x", NULL}, 2, "unknown option --safe; the nearest is --save"},
    {{"--hlep", NULL}, 2, "the nearest is --help"},
    {{"-e", NULL}, 2, "unknown option -e"},
    {{"--epochs", NULL}, 2, "--epochs: expected N after it"},
    {{"--save", "--quiet", NULL}, 2, "--save: expected FILE after it"},
    {{"--save=", NULL}, 2, "--save: expected FILE, given nothing"},
    {{"--quiet=1", NULL}, 2, "--quiet takes no value"},
    {{"--epochs", "3x", NULL}, 2, "--epochs: expected a whole number, given '3x'"},
    {{"--epochs", "3.5", NULL}, 2, "--epochs: expected a whole number"},
    {{"--epochs", "", NULL}, 2, "--epochs: expected a whole number"},
    {{"--epochs", " 3", NULL}, 2, "--epochs: expected a whole number"},
    {{"--epochs", "0", NULL}, 2, "--epochs: expected 1 to 100, given 0"},
    {{"--epochs", "99999999999999999999", NULL}, 2, "--epochs: expected a whole number"},
    {{"--lr", "nan", NULL}, 2, "--lr: expected 0 to 10, given nan"},
    {{"--lr", "1e9", NULL}, 2, "--lr: expected 0 to 10, given 1e9"},
    {{"--lr", "x", NULL}, 2, "--lr: expected a number, given 'x'"},
    {{"--lr", "-1", NULL}, 2, "--lr: expected 0 to 10, given -1"},
};

START_TEST(arguments)
{
    char *argv[8] = {"program"};
    int argc = 1;
    while ((argv[argc] = argument_cases[_i].words[argc - 1]))
        argc++;
    struct outcome o = in_child(parse, argc, argv, NULL);
    ck_assert_int_eq(o.status, argument_cases[_i].status);
    if (o.status)
        ck_assert_msg(strstr(o.err, argument_cases[_i].text), "%s", o.err);
    else
        ck_assert_str_eq(o.out, argument_cases[_i].text);
    outcome_free(&o);
}
END_TEST

START_TEST(help_is_a_page)
{
    struct outcome o = run(parse, NULL, "--help", NULL);
    ck_assert_int_eq(o.status, 0);
    ck_assert_str_eq(o.out, "usage: program [options] WORD...\n\nTests options.\n\n"
                            "options (defaults in brackets):\n"
                            "  --epochs N                 times through [16]\n"
                            "  --lr X                     rate [0.01]\n"
                            "  --save FILE                weights\n"
                            "  --quiet                    less\n"
                            "  --help                     this page\n\n"
                            "examples:\n  program --epochs 3\n");
    outcome_free(&o);
}
END_TEST

/* ---- DIR/train ---- */

static int train_softmax(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    return lathe_train_main(&model, argc, argv);
}

/* The same with momentum in place of Adam, and a rate cut in steps. */
static int train_with_momentum(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.training.optimizer =
        (struct lathe_optimizer){.kind = LATHE_SGD, .momentum = 0.9, .weight_decay = 1e-4};
    model.training.schedule =
        (struct lathe_schedule){.kind = LATHE_STEPS, .lr = 0.02, .every = 1, .gamma = 0.5};
    return lathe_train_main(&model, argc, argv);
}

static int train_for_mnist(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.data.source = LATHE_MNIST;
    return lathe_train_main(&model, argc, argv);
}

static int train_of_another_runtime(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    model.abi = LATHE_ABI + 1;
    return lathe_train_main(&model, argc, argv);
}

static int infer_softmax(int argc, char **argv)
{
    struct lathe_model model = softmax_model();
    return lathe_infer_main(&model, argc, argv);
}

START_TEST(training_ends_in_its_result)
{
    struct outcome o = run(train_softmax, NULL, SMALL, "--save", in_root("w"), NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    double accuracy, loss, speed;
    ck_assert_msg(sscanf(last_line(o.out),
                         "result: test_accuracy=%lf test_loss=%lf images_per_s=%lf\n", &accuracy,
                         &loss, &speed) == 3,
                  "%s", o.out);
    ck_assert_msg(accuracy > 0.3 && loss < 2.2 && speed > 10, "%s", o.out);
    int lines = 0;
    for (const char *c = o.out; *c; c++)
        lines += *c == '\n';
    ck_assert_int_eq(lines, 4); /* three epochs and the result */
    ck_assert_ptr_nonnull(strstr(o.out, "epoch 1/3  train_loss "));
    ck_assert_ptr_null(strchr(o.out, '\033'));
    struct outcome quiet = run(train_softmax, NULL, SMALL, "--quiet", NULL);
    ck_assert_ptr_eq(last_line(quiet.out), quiet.out);
    ck_assert_mem_eq(quiet.out, last_line(o.out), strlen("result: test_accuracy=0.1234"));
    struct outcome inferred =
        run(infer_softmax, NULL, "--weights", in_root("w"), "--limit", "100", NULL);
    double again, top5;
    ck_assert_msg(sscanf(inferred.out, "result: accuracy=%lf top5=%lf images_per_s=%lf\n", &again,
                         &top5, &speed) == 3,
                  "%s%s", inferred.out, inferred.err);
    ck_assert_double_eq(again, accuracy);
    ck_assert_double_ge(top5, again);
    outcome_free(&o);
    outcome_free(&quiet);
    outcome_free(&inferred);
}
END_TEST

START_TEST(same_bits_for_any_number_of_threads)
{
    static char *const threads[] = {"1", "2", "3"};
    static const char *const files[] = {"w1", "w2", "w3"};
    for (int i = 0; i < 3; i++) {
        struct outcome o = run(train_softmax, NULL, SMALL, "--epochs", "2", "--threads", threads[i],
                               "--save", in_root(files[i]), NULL);
        ck_assert_msg(o.status == 0, "%s", o.err);
        outcome_free(&o);
        assert_same_file(in_root("w1"), in_root(files[i]));
    }
    struct outcome o = run(train_softmax, NULL, SMALL, "--epochs", "2", "--seed", "2", "--save",
                           in_root("other"), NULL);
    size_t a, b;
    char *x = read_bytes(in_root("w1"), &a), *y = read_bytes(in_root("other"), &b);
    ck_assert(a == b && memcmp(x, y, a));
    free(x);
    free(y);
    outcome_free(&o);
}
END_TEST

START_TEST(resume_is_exact)
{
    static const struct {
        int (*train)(int argc, char **argv);
        int signal;
        uint64_t step;
    } cases[] = {
        {train_softmax, SIGTERM, 0},       {train_softmax, SIGTERM, 14},
        {train_softmax, SIGINT, 19},       {train_softmax, SIGKILL, 25},
        {train_softmax, SIGKILL, 3},       {train_with_momentum, SIGTERM, 4},
        {train_with_momentum, SIGINT, 28},
    };
    stop_and_resume(cases[_i].train, cases[_i].signal, cases[_i].step);
}
END_TEST

/* Change a byte of the middle of PATH. */
static void damage(const char *path)
{
    size_t size;
    char *bytes = read_bytes(path, &size);
    bytes[size / 2] ^= 1;
    write_bytes(path, bytes, size);
    free(bytes);
}

START_TEST(a_broken_checkpoint_is_passed_over)
{
    char *folder = strdup(in_root("c"));
    struct outcome o =
        run(train_softmax, NULL, SMALL, "--checkpoint", folder, "--save", in_root("whole"), NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    ck_assert_int_eq(matches("c/checkpoint-*"), 2);
    damage(in_root("c/checkpoint-0000000030.safetensors"));
    o = run(train_softmax, NULL, SMALL, "--checkpoint", folder, "--resume", "--save",
            in_root("again"), NULL);
    ck_assert_msg(o.status == 0 && strstr(o.err, "passed over: ") && strstr(o.err, "checksum"),
                  "%s", o.err);
    outcome_free(&o);
    assert_same_file(in_root("whole"), in_root("again"));
    damage(in_root("c/checkpoint-0000000030.safetensors"));
    write_bytes(in_root("c/checkpoint-0000000020.safetensors"), "short", 5);
    o = run(train_softmax, NULL, SMALL, "--checkpoint", folder, "--resume", NULL);
    ck_assert_msg(o.status == LATHE_USER && strstr(o.err, "all 2 checkpoints are broken"), "%s",
                  o.err);
    outcome_free(&o);
    free(folder);
}
END_TEST

/* --recipe lr=X is --lr X. */
START_TEST(a_recipe_is_what_training_does)
{
    struct outcome o =
        run(train_softmax, NULL, SMALL, "--lr", "0.02", "--save", in_root("a"), NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    o = run(train_softmax, NULL, SMALL, "--recipe", "lr=0.02", "--save", in_root("b"), NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    assert_same_file(in_root("a"), in_root("b"));
    assert_dies(train_softmax, LATHE_USAGE, "--recipe: lr: expected a number, given 'x'", SMALL,
                "--recipe", "lr=x", NULL);
}
END_TEST

START_TEST(a_run_resumes_as_itself_or_not_at_all)
{
    char *folder = strdup(in_root("c"));
    struct outcome o = run(train_softmax, NULL, SMALL, "--checkpoint", folder, "--seed", "5",
                           "--epochs", "2", "--save", in_root("a"), NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    assert_dies(train_softmax, LATHE_USER, "holds the checkpoints of a run", SMALL, "--checkpoint",
                folder, NULL);
    assert_dies(train_softmax, LATHE_USER, "with --seed 5, given 6", SMALL, "--checkpoint", folder,
                "--resume", "--seed", "6", NULL);
    assert_dies(train_softmax, LATHE_USER, "with --epochs 2, given 3", SMALL, "--checkpoint",
                folder, "--resume", "--epochs", "3", NULL);
    assert_dies(train_softmax, LATHE_USER, "with --lr 0.01, given 0.02", SMALL, "--checkpoint",
                folder, "--resume", "--lr", "0.02", NULL);
    assert_dies(train_softmax, LATHE_USER, "with weight_decay=0.0001, given weight_decay=0.5",
                SMALL, "--checkpoint", folder, "--resume", "--recipe", "weight_decay=0.5", NULL);
    assert_dies(train_softmax, LATHE_USER, "with --lr 0.01, given 0.03", SMALL, "--checkpoint",
                folder, "--resume", "--recipe", "lr=0.03", NULL);
    assert_dies(train_softmax, LATHE_USER, "with 300 training samples, given 200", "--limit-train",
                "200", "--checkpoint", folder, "--resume", NULL);
    /* what is not said is the checkpoint's */
    o = run(train_softmax, NULL, SMALL, "--checkpoint", folder, "--resume", "--save", in_root("b"),
            NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    ck_assert_ptr_eq(last_line(o.out), o.out);
    outcome_free(&o);
    assert_same_file(in_root("a"), in_root("b"));
    free(folder);
}
END_TEST

START_TEST(what_is_wrong_is_said_before_training)
{
    assert_dies(train_softmax, LATHE_RESOURCE, "none/w: cannot write: No such file or directory",
                "--save", in_root("none/w"), NULL);
    assert_dies(train_softmax, LATHE_RESOURCE, "cannot write: not a plain file", "--save",
                "/dev/null", NULL);
    assert_dies(train_softmax, LATHE_RESOURCE, "cannot make this folder", "--checkpoint",
                in_root("none/c"), NULL);
    assert_dies(train_softmax, LATHE_RESOURCE, "cannot write", "--log", in_root("none/l"), NULL);
    assert_dies(train_softmax, LATHE_USAGE, "--resume needs --checkpoint", "--resume", NULL);
    assert_dies(train_softmax, LATHE_USAGE, "unexpected argument 'x'", "x", NULL);
    assert_dies(train_for_mnist, LATHE_USAGE, "--data DIR is needed", NULL);
    char another[64];
    snprintf(another, sizeof another, "softmax: made for runtime %d, this is %d", LATHE_ABI + 1,
             LATHE_ABI);
    assert_dies(train_of_another_runtime, LATHE_USER, another, NULL);
    assert_dies(infer_softmax, LATHE_USAGE, "--weights FILE is needed", NULL);
    assert_dies(infer_softmax, LATHE_USAGE, "one at a time", "--raw", "--bench", "3", NULL);
    assert_dies(infer_softmax, LATHE_USER, "none: cannot read: No such file", "--weights",
                in_root("none"), NULL);
}
END_TEST

START_TEST(a_loss_that_is_no_number_ends_training)
{
    mischief.no_number = true;
    assert_dies(train_softmax, LATHE_NUMBERS, "loss is nan at step 8 (epoch 1)", SMALL, "--quiet",
                "--save", in_root("w"), NULL);
    mischief.no_number = false;
    ck_assert_int_eq(access(in_root("w"), F_OK), -1);
}
END_TEST

START_TEST(the_log_is_json_lines)
{
    struct outcome o =
        run(train_softmax, NULL, SMALL, "--epochs", "2", "--log", in_root("l"), NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    outcome_free(&o);
    size_t size;
    char *log = read_bytes(in_root("l"), &size), *line = log;
    for (int epoch = 1; epoch <= 2; epoch++) {
        int number, step, length = 0;
        double lr, n[6];
        int fields =
            sscanf(line,
                   "{\"epoch\": %d, \"step\": %d, \"lr\": %lf, \"train_loss\": %lf, "
                   "\"train_accuracy\": %lf, \"validation_loss\": %lf, "
                   "\"validation_accuracy\": %lf, \"images_per_s\": %lf, \"seconds\": %lf}\n%n",
                   &number, &step, &lr, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &length);
        ck_assert_msg(fields == 9 && number == epoch && step == 10 * epoch && length, "%s", line);
        line += length;
    }
    ck_assert_str_eq(line, "");
    free(log);
    struct lathe_log null = lathe_log_open(in_root("null"));
    lathe_log_write(&null, &(struct lathe_epoch){1, 2, 0.5, 1, NAN, INFINITY, NAN, -1, 3, 4});
    lathe_log_close(&null);
    log = read_bytes(in_root("null"), &size);
    ck_assert_str_eq(log, "{\"epoch\": 1, \"step\": 2, \"lr\": 0.5, \"train_loss\": 1, "
                          "\"train_accuracy\": null, \"validation_loss\": null, "
                          "\"validation_accuracy\": null, \"images_per_s\": 3, \"seconds\": 4}\n");
    free(log);
}
END_TEST

/* ---- regression: the four points of exclusive or, by a fixed network ---- */

static void xor_load(const struct lathe_model *model, const float *const *logical, void *arena)
{
    (void)model, (void)logical, (void)arena;
}

/* Always 0.5: the loss is 0.25 and no accuracy is heard of. */
static void xor_infer(const struct lathe_model *model, const float *input, float *output, int count,
                      void *arena)
{
    (void)model, (void)input, (void)arena;
    for (int i = 0; i < count; i++)
        output[i] = 0.5f;
}

static void xor_step(const struct lathe_model *model, const struct lathe_batch *batch,
                     uint64_t seed, uint64_t step, struct lathe_step_result *result, void *arena)
{
    (void)model, (void)seed, (void)step, (void)arena;
    ck_assert(!batch->labels && batch->targets);
    result->loss = 0.25;
}

static struct lathe_model xor_model(void)
{
    return (struct lathe_model){
        .abi = LATHE_ABI,
        .name = "xor",
        .channels = 2,
        .height = 1,
        .width = 1,
        .outputs = 1,
        .loss = LATHE_MSE,
        .data = {.source = LATHE_XOR,
                 .channels = 2,
                 .height = 1,
                 .width = 1,
                 .targets = 1,
                 .deviation = {1, 1},
                 .subset = 1},
        .training = {.batch = 3, .epochs = 2, .schedule = {.kind = LATHE_FIXED, .lr = 0.1}},
        .infer_batch = 4,
        .infer_arena_bytes = 64,
        .train_arena_bytes = 64,
        .load = xor_load,
        .infer = xor_infer,
        .step = xor_step};
}

static int train_xor(int argc, char **argv)
{
    struct lathe_model model = xor_model();
    return lathe_train_main(&model, argc, argv);
}

static int infer_xor(int argc, char **argv)
{
    struct lathe_model model = xor_model();
    return lathe_infer_main(&model, argc, argv);
}

START_TEST(regression_has_no_accuracy)
{
    struct outcome o = run(train_xor, NULL, "--save", in_root("w"), "--log", in_root("l"), NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    ck_assert_msg(!strncmp(last_line(o.out), "result: test_loss=0.2500 images_per_s=", 38), "%s",
                  o.out);
    ck_assert_ptr_null(strstr(o.out, "accuracy"));
    outcome_free(&o);
    size_t size;
    char *log = read_bytes(in_root("l"), &size);
    ck_assert_ptr_nonnull(strstr(log, "\"train_accuracy\": null"));
    free(log);
    o = run(infer_xor, NULL, "--weights", in_root("w"), NULL);
    ck_assert_msg(!strncmp(o.out, "result: loss=0.2500 images_per_s=", 33), "%s%s", o.out, o.err);
    outcome_free(&o);
    o = run(infer_xor, NULL, "--weights", in_root("w"), "--show", "4", NULL);
    ck_assert_ptr_nonnull(strstr(o.out, "1 0 -> 0.5000  (target 1)"));
    outcome_free(&o);
}
END_TEST

/* ---- infer ---- */

/* Weights of an untrained network in the test's folder. */
static const char *untrained(void)
{
    struct lathe_model model = softmax_model();
    float *state = lathe_alloc(STATE, sizeof *state);
    lathe_initialise_all(&model, 1, state);
    lathe_write_weights(&model, state, in_root("untrained"));
    free(state);
    return in_root("untrained");
}

START_TEST(raw_numbers_go_through)
{
    enum { SAMPLES = 37 };
    static float input[SAMPLES * PIXELS + 1];
    for (size_t i = 0; i < SAMPLES * PIXELS; i++)
        input[i] = (float)(i % 251) / 100 - 1;
    char *weights = strdup(untrained());
    write_bytes(in_root("in"), input, sizeof(float) * SAMPLES * PIXELS);
    struct outcome o = run(infer_softmax, in_root("in"), "--weights", weights, "--raw", NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    ck_assert_uint_eq(o.out_size, sizeof(float) * SAMPLES * CLASSES);
    struct lathe_model model = softmax_model();
    float **logical = lathe_read_weights(&model, weights);
    const float *output = (const float *)(void *)o.out;
    for (int i = 0; i < SAMPLES * CLASSES; i++) {
        double sum = (double)logical[1][i % CLASSES];
        for (int j = 0; j < PIXELS; j++)
            sum += (double)logical[0][i % CLASSES * PIXELS + j] *
                   (double)input[i / CLASSES * PIXELS + j];
        ck_assert_double_eq_tol((double)output[i], sum, 1e-4);
    }
    free(logical);
    outcome_free(&o);
    write_bytes(in_root("in"), input, sizeof(float) * 2 * PIXELS + 5);
    o = run(infer_softmax, in_root("in"), "--weights", weights, "--raw", NULL);
    ck_assert_int_eq(o.status, LATHE_USER);
    ck_assert_ptr_nonnull(strstr(o.err, "expected samples of 3136 bytes, the last has 5"));
    ck_assert_uint_eq(o.out_size, sizeof(float) * 2 * CLASSES);
    outcome_free(&o);
    o = run(infer_softmax, NULL, "--weights", weights, "--raw", NULL);
    ck_assert(o.status == 0 && o.out_size == 0);
    outcome_free(&o);
    free(weights);
}
END_TEST

START_TEST(images_are_named)
{
    char *weights = strdup(untrained()), *path = strdup(in_root("a \"b\".pgm"));
    char image[13 + PIXELS] = "P5\n28 28\n255\n";
    for (int i = 0; i < PIXELS; i++)
        image[13 + i] = (char)(i * 7);
    write_bytes(path, image, sizeof image);
    struct outcome o =
        run(infer_softmax, NULL, "--weights", weights, "--topk", "3", path, path, NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    ck_assert_int_eq(strncmp(o.out, path, strlen(path)), 0);
    int a, b, c;
    double p, q, r;
    ck_assert_int_eq(
        sscanf(o.out + strlen(path), ": %d %lf, %d %lf, %d %lf\n", &a, &p, &b, &q, &c, &r), 6);
    ck_assert(p >= q && q >= r && a != b && b != c && a != c && p <= 1 && r > 0);
    outcome_free(&o);
    o = run(infer_softmax, NULL, "--weights", weights, "--json", "--topk", "1", path, NULL);
    ck_assert_ptr_nonnull(strstr(o.out, "/a \\\"b\\\".pgm\", \"top\": [{\"class\": "));
    outcome_free(&o);
    assert_dies(infer_softmax, LATHE_USAGE, "--topk: expected 1 to 10, given 11", "--topk", "11",
                NULL);
    free(weights);
    free(path);
}
END_TEST

START_TEST(pictures_and_timings)
{
    char *weights = strdup(untrained());
    struct outcome o = run(infer_softmax, NULL, "--weights", weights, "--show", "3", NULL);
    ck_assert_msg(o.status == 0, "%s", o.err);
    ck_assert(strstr(o.out, "says ") && strstr(o.out, "\u2588") && !strchr(o.out, '\033'));
    outcome_free(&o);
    o = run(infer_softmax, NULL, "--bench", "5", NULL);
    int batch, calls;
    double median, least, speed;
    ck_assert_msg(sscanf(o.out,
                         "result: batch=%d calls=%d median_ms=%lf min_ms=%lf images_per_s=%lf",
                         &batch, &calls, &median, &least, &speed) == 5,
                  "%s%s", o.out, o.err);
    ck_assert(batch == 16 && calls == 5 && median >= least);
    outcome_free(&o);
    o = run(infer_softmax, NULL, "--weights", weights, "--limit", "50", "--json", NULL);
    double accuracy, top5, loss;
    int images;
    ck_assert_int_eq(sscanf(o.out,
                            "{\"accuracy\": %lf, \"top5\": %lf, \"loss\": %lf, \"images\": %d, "
                            "\"images_per_s\": %lf}\n",
                            &accuracy, &top5, &loss, &images, &speed),
                     5);
    ck_assert_int_eq(images, 50);
    outcome_free(&o);
    free(weights);
}
END_TEST

/* ---- the suite ---- */

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

static TCase *parameters_case(void)
{
    TCase *parameters = tcase_create("parameters");
    tcase_add_checked_fixture(parameters, make_root, remove_root);
    tcase_add_test(parameters, dying_takes_one_line);
    tcase_add_test(parameters, memory_is_aligned_and_zero);
    tcase_add_test(parameters, packing_is_as_defined);
    tcase_add_test(parameters, fresh_parameters_are_distributed);
    tcase_add_test(parameters, fresh_parameters_ignore_blocks);
    return parameters;
}

static TCase *files_case(void)
{
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_root, remove_root);
    tcase_add_test(files, a_file_made_by_hand_is_read);
    tcase_add_test(files, tensors_survive_the_round_trip);
    tcase_add_test(files, other_number_formats_are_read);
    tcase_add_loop_test(files, hostile_headers_are_refused, 0, COUNT_OF(hostile));
    tcase_add_test(files, hostile_lengths_are_refused);
    tcase_add_test(files, damaged_files_do_no_harm);
    tcase_add_test(files, a_failed_write_keeps_what_was_there);
    tcase_add_test(files, a_link_is_followed);
    tcase_add_loop_test(files, weights_of_another_network, 0, COUNT_OF(misfits));
    tcase_add_test(files, weights_go_to_files_and_back);
    return files;
}

static TCase *programs_case(void)
{
    TCase *programs = tcase_create("programs");
    tcase_set_timeout(programs, 120);
    tcase_add_checked_fixture(programs, make_root, remove_root);
    tcase_add_loop_test(programs, arguments, 0, COUNT_OF(argument_cases));
    tcase_add_test(programs, help_is_a_page);
    tcase_add_test(programs, training_ends_in_its_result);
    tcase_add_test(programs, same_bits_for_any_number_of_threads);
    tcase_add_loop_test(programs, resume_is_exact, 0, 7);
    tcase_add_test(programs, a_broken_checkpoint_is_passed_over);
    tcase_add_test(programs, a_recipe_is_what_training_does);
    tcase_add_test(programs, a_run_resumes_as_itself_or_not_at_all);
    tcase_add_test(programs, what_is_wrong_is_said_before_training);
    tcase_add_test(programs, a_loss_that_is_no_number_ends_training);
    tcase_add_test(programs, the_log_is_json_lines);
    tcase_add_test(programs, regression_has_no_accuracy);
    tcase_add_test(programs, raw_numbers_go_through);
    tcase_add_test(programs, images_are_named);
    tcase_add_test(programs, pictures_and_timings);
    return programs;
}

Suite *runtime_suite(void)
{
    Suite *suite = suite_create("runtime");
    suite_add_tcase(suite, parameters_case());
    suite_add_tcase(suite, files_case());
    suite_add_tcase(suite, programs_case());
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(runtime_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
