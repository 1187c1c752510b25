/*
 * check_parsers: files that lie about their sizes, that inflate to more than they say, or are no
 * files at all. What the fuzz targets found is here, too.
 */
#define _GNU_SOURCE
#include "../gen/base.h"
#include "../gen/fit_parts.h"
#include "../runtime/data.h"
#include "../runtime/progress.h"
#include "../runtime/safetensors.h"
#include "child.h"

#include <check.h>
#undef fail
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef LATHE_ZLIB
#include <zlib.h>
#endif

/* ---- files ---- */

static void add_byte(struct text *text, int byte)
{
    text_add(text, &(char){(char)byte}, 1);
}

static void add_number(struct text *text, uint32_t number, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++)
        add_byte(text, (int)(number >> 8 * (big ? bytes - 1 - i : i) & 0xff));
}

/* TEXT as the file NAME of the test's folder; it becomes empty. */
static const char *put(const char *name, struct text *text)
{
    const char *path = in_root(name);
    write_bytes(path, text->data, text->length);
    text_free(text);
    return path;
}

static const char *put_pipe(const char *name)
{
    ck_assert_int_eq(mkfifo(in_root(name), 0600), 0);
    return in_root(name);
}

/* ---- programs: each reads what argv names ---- */

static struct lathe_data of_source(enum lathe_source source, int channels, int side)
{
    return (struct lathe_data){.source = source,
                               .channels = channels,
                               .height = side,
                               .width = side,
                               .load_height = side,
                               .load_width = side,
                               .classes = 10,
                               .deviation = {1, 1, 1, 1},
                               .subset = 1,
                               .files = {"x.npy"},
                               .target = LATHE_TARGET_INPUT};
}

static int read_set(const struct lathe_data *data, const char *folder)
{
    lathe_close_dataset(lathe_open_dataset(data, folder, false, 0));
    return 0;
}

static int read_idx(int argc, char **argv)
{
    const struct lathe_data data = of_source(LATHE_MNIST, 1, 4);
    return argc == 2 ? read_set(&data, argv[1]) : 99;
}

static int read_cifar(int argc, char **argv)
{
    const struct lathe_data data = of_source(LATHE_CIFAR10, 3, 32);
    return argc == 2 ? read_set(&data, argv[1]) : 99;
}

static int read_arrays(int argc, char **argv)
{
    const struct lathe_data data = of_source(LATHE_ARRAYS, 1, 4);
    return argc == 2 ? read_set(&data, argv[1]) : 99;
}

static int read_weights(int argc, char **argv)
{
    struct lathe_tensors file;
    struct lathe_error error;
    if (argc != 2 || !lathe_tensors_open(&file, argv[1], &error))
        lathe_die(error.status, "%s", error.message);
    lathe_tensors_close(&file);
    return 0;
}

/* Decode the picture to a small one. It takes at most 64 MB, or says how much it took. */
static int read_picture(int argc, char **argv)
{
    enum { SIDE = 1024 };
    struct lathe_error error;
    struct rusage before, after;
    uint8_t *pixels = lathe_alloc(SIDE, SIDE);
    getrusage(RUSAGE_SELF, &before);
    if (argc != 2 || !lathe_decode_image(argv[1], 1, SIDE, SIDE, pixels, &error))
        lathe_die(error.status, "%s", error.message);
    free(pixels);
    getrusage(RUSAGE_SELF, &after);
    if (after.ru_maxrss - before.ru_maxrss > 64 << 10)
        lathe_die(LATHE_RESOURCE, "took %ld KB", after.ru_maxrss - before.ru_maxrss);
    return 0;
}

/* The program must end well. */
static void assert_lives(program *function, const char *path)
{
    struct outcome o = run(function, NULL, path, NULL);
    ck_assert_msg(o.status == 0, "status %d: %s", o.status, o.err);
    outcome_free(&o);
}

/* ---- pipes and folders instead of files ---- */

START_TEST(pipes_are_refused)
{
    const char *pipe = put_pipe("pipe");
    assert_dies(read_weights, LATHE_USER, "pipe: cannot read: not a plain file", pipe, NULL);
    assert_dies(read_picture, LATHE_USER, "pipe: cannot read: not a plain file", pipe, NULL);
    put_pipe("x.npy");
    assert_dies(read_arrays, LATHE_USER, "x.npy: cannot read: not a plain file", root, NULL);
    put_pipe("t10k-images-idx3-ubyte");
    assert_dies(read_idx, LATHE_USER, "mnist: no file t10k-images-idx3-ubyte in", root, NULL);
    put_pipe("test_batch.bin");
    assert_dies(read_cifar, LATHE_USER, "cifar-10: no file test_batch.bin in", root, NULL);
    assert_dies(read_weights, LATHE_USER, "zero: cannot read: not a plain file", "/dev/zero", NULL);
    assert_dies(read_picture, LATHE_USER, ": cannot read: not a plain file", root, NULL);
    ck_assert_int_eq(symlink("pipe", in_root("link")), 0);
    assert_dies(read_picture, LATHE_USER, "link: cannot read: not a plain file", in_root("link"),
                NULL);
}
END_TEST

/* What a file says of itself is shown without what would move a terminal's cursor. */
START_TEST(messages_are_one_line)
{
    const char header[] =
        "{\"a\\n\\u001b[2J\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
    struct text file = {0};
    add_number(&file, sizeof header - 1, 4, false);
    add_number(&file, 0, 4, false);
    text_add(&file, header, sizeof header - 1);
    text_add(&file, "\0\0\0\0\0\0\0\0", 8);
    struct lathe_tensors tensors;
    struct lathe_error error;
    ck_assert(!lathe_tensors_open(&tensors, put("w", &file), &error));
    ck_assert_msg(strstr(error.message, "w: tensor a??[2J: data begins at byte 4, expected 0"),
                  "%s", error.message);
}
END_TEST

/* A terabyte of holes. */
START_TEST(holes_take_no_memory)
{
    const char *path = in_root("t10k-images-idx3-ubyte");
    struct text labels = {0}, images = {0};
    add_number(&labels, 0x801, 4, true);
    add_number(&labels, 3, 4, true);
    text_add(&labels, "\1\2\3", 3);
    put("t10k-labels-idx1-ubyte", &labels);
    add_number(&images, 0x803, 4, true);
    add_number(&images, 0x7fffffff, 4, true);
    add_number(&images, 4, 4, true);
    add_number(&images, 4, 4, true);
    put("t10k-images-idx3-ubyte", &images);
    ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0);
    assert_dies(read_idx, LATHE_USER, "images-idx3-ubyte: 2147483647 images, but 3 labels in", root,
                NULL);
    assert_dies(read_weights, LATHE_USER, "not a safetensors file: header of", path, NULL);
    assert_dies(read_picture, LATHE_USER, "1099511627776 bytes, at most 536870912 are read", path,
                NULL);
    ck_assert_int_eq(rename(path, in_root("x.npy")), 0);
    assert_dies(read_arrays, LATHE_USER, "x.npy: not an array of NumPy's", root, NULL);
}
END_TEST

/* ---- what inflates ---- */

#ifdef LATHE_ZLIB

/* The COUNT bytes of HEAD and then MEGABYTES of zeros, compressed; WINDOW as zlib has it. */
static void add_bomb(struct text *text, const void *head, size_t count, int megabytes, int window)
{
    static char zeros[1 << 20], packed[1 << 16];
    z_stream stream = {.next_in = (void *)head, .avail_in = (unsigned)count};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (int i = 0, result = Z_OK; result != Z_STREAM_END;) {
        stream.next_out = (void *)packed;
        stream.avail_out = sizeof packed;
        result = deflate(&stream, i < megabytes ? Z_NO_FLUSH : Z_FINISH);
        ck_assert(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
        text_add(text, packed, sizeof packed - stream.avail_out);
        if (!stream.avail_in && i < megabytes) {
            i++;
            stream.next_in = (void *)zeros;
            stream.avail_in = sizeof zeros;
        }
    }
    deflateEnd(&stream);
}

START_TEST(idx_inflates_to_its_header)
{
    struct text labels = {0}, head = {0}, images = {0}, member = {0};
    add_number(&labels, 0x801, 4, true);
    add_number(&labels, 2, 4, true);
    text_add(&labels, "\1\2", 2);
    put("t10k-labels-idx1-ubyte", &labels);
    add_number(&head, 0x803, 4, true);
    add_number(&head, 2, 4, true);
    add_number(&head, 4, 4, true);
    add_number(&head, 4, 4, true);
    add_bomb(&images, head.data, head.length, 0, 15 + 16);
    add_bomb(&member, "", 0, 16, 15 + 16);
    for (int i = 0; i < 64; i++) /* a gigabyte */
        text_add(&images, member.data, member.length);
    ck_assert_uint_lt(images.length, 2000000);
    put("t10k-images-idx3-ubyte.gz", &images);
    text_free(&head);
    text_free(&member);
    assert_dies(read_idx, LATHE_USER, "gz: trailing bytes after the 48 that the header promises",
                root, NULL);
}
END_TEST

/* ---- pictures ---- */

static void add_chunk(struct text *png, const char *kind, const struct text *content)
{
    add_number(png, (uint32_t)content->length, 4, true);
    size_t from = png->length;
    text_add(png, kind, 4);
    text_add(png, content->data, content->length);
    add_number(png, (uint32_t)crc32(0, (void *)(png->data + from), (unsigned)(png->length - from)),
               4, true);
}

/* A grey PNG that says it has WIDTH x HEIGHT pixels, and has MEGABYTES of zeros. */
static const char *put_png(uint32_t width, uint32_t height, int megabytes)
{
    struct text png = {0}, header = {0}, lines = {0};
    add_number(&header, width, 4, true);
    add_number(&header, height, 4, true);
    text_add(&header, "\10\0\0\0\0", 5);
    text_add(&png, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&png, "IHDR", &header);
    add_bomb(&lines, "", 0, megabytes, 15);
    add_chunk(&png, "IDAT", &lines);
    add_chunk(&png, "IEND", &(struct text){0});
    text_free(&header);
    text_free(&lines);
    return put("x.png", &png);
}

START_TEST(png_inflates_to_its_header)
{
    assert_dies(read_picture, LATHE_USER, "x.png: damaged image: it holds more than its pixels",
                put_png(2, 2, 64), NULL);
    assert_dies(read_picture, LATHE_USER, "x.png: not an image that can be read",
                put_png(60000, 60000, 0), NULL);
    assert_dies(read_picture, LATHE_USER,
                "x.png: truncated: 11000x11000 pixels need 117248 bytes at least, 65 are there",
                put_png(11000, 11000, 0), NULL);
    assert_lives(read_picture, put_png(1, 32768, 1));
    assert_lives(read_picture, put_png(32768, 1, 1));
}
END_TEST

#endif

START_TEST(jpeg_with_too_many_codes)
{
    struct text jpeg = {0};
    text_add(&jpeg, "\xff\xd8\xff\xc4\0\x53\0", 7);
    for (int i = 0; i < 16; i++)
        add_byte(&jpeg, 0xff);
    text_add(&jpeg, "\xff\xc4\0\x53\0\xff\xd9", 7);
    assert_dies(read_picture, LATHE_USER, "damaged image: more than 256 codes in a table",
                put("x.jpg", &jpeg), NULL);
}
END_TEST

/* A grey JPEG of 8 x 8 without any tables of codes: all zeros, if memory does not decide. */
static int read_without_codes(int argc, char **argv)
{
    enum { SIDE = 8 };
    uint8_t pixels[SIDE * SIDE];
    struct lathe_error error;
    mallopt(M_PERTURB, 0xfe); /* fresh memory is full of ones */
    if (argc != 2 || !lathe_decode_image(argv[1], 1, SIDE, SIDE, pixels, &error))
        return 0; /* a later stb_image may refuse it */
    for (int i = 0; i < SIDE * SIDE; i++)
        if (pixels[i] != 128)
            lathe_die(LATHE_USER, "pixel %d is %d", i, pixels[i]);
    return 0;
}

START_TEST(jpeg_without_codes)
{
    struct text jpeg = {0};
    text_add(&jpeg, "\xff\xd8\xff\xdb\0\x43\0", 7);
    for (int i = 0; i < 64; i++)
        add_byte(&jpeg, 1);
    text_add(&jpeg, "\xff\xc0\0\x0b\10\0\10\0\10\1\1\x11\0", 13);
    text_add(&jpeg, "\xff\xda\0\10\1\1\0\0\x3f\0\x55\x55\xff\xd9", 14);
    assert_lives(read_without_codes, put("x.jpg", &jpeg));
}
END_TEST

START_TEST(jpeg_that_promises_too_much)
{
    struct text jpeg = {0};
    text_add(&jpeg, "\xff\xd8\xff\xc0\0\x0b\10\x20\0\x08\0\1\1\x11\0\xff\xd9",
             17); /* 2048 x 8192 */
    assert_dies(read_picture, LATHE_USER,
                "truncated: 2048x8192 pixels need 32768 bytes at least, 17 are there",
                put("x.jpg", &jpeg), NULL);
}
END_TEST

START_TEST(bmp_that_was_cut)
{
    struct text bmp = {0};
    text_add(&bmp, "BM\0\0\0\0\0\0\0\0", 10);
    add_number(&bmp, 54, 4, false);
    add_number(&bmp, 40, 4, false);
    add_number(&bmp, 1000, 4, false);
    add_number(&bmp, 2000, 4, false);
    add_number(&bmp, 1 | 24 << 16, 4, false);
    for (int i = 0; i < 27; i++)
        add_byte(&bmp, 0);
    assert_dies(read_picture, LATHE_USER,
                "truncated: 1000x2000 pixels need 6000054 bytes at least, 57 are there",
                put("x.bmp", &bmp), NULL);
}
END_TEST

/* ---- the environment ---- */

static int print_columns(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        setenv("COLUMNS", argv[i], 1);
        printf("%d ", lathe_terminal_columns());
    }
    return 0;
}

START_TEST(columns_of_any_size)
{
    struct outcome o =
        run(print_columns, NULL, "120", "2147483647", "-3", "99999999999999999999", "x", NULL);
    ck_assert_str_eq(o.out, "120 80 80 80 80 ");
    outcome_free(&o);
}
END_TEST

/* ---- records ---- */

/* A trial whose lists are of different lengths, and counts that are no ints. */
START_TEST(trials_with_short_lists)
{
    struct text line = {0};
    struct arena *arena = arena_new();
    const struct fit_options options = {.spec = "net.lua", .method = "grid"};
    struct network network = {.digest = "abc"};
    struct fit_search search = {
        .arena = arena, .options = &options, .network = &network, .curves = 1, .folder = root};
    text_printf(&line, "{\"id\": \"a\", \"status\": \"done\", \"score\": 1e999, \"jobs\": 1e300, "
                       "\"threads\": null, \"validation_loss\": [3, 2, 1], "
                       "\"validation_accuracy\": [0.5], \"found\": [{\"L\": 1}]}\n");
    put("trials.jsonl", &line);
    fit_open_folder(&search);
    ck_assert_int_eq(search.recorded.count, 1);
    const struct trial *trial = search.recorded.items[0];
    ck_assert(trial->log.epochs == 3 && trial->log.losses[2] == 1);
    ck_assert(trial->log.accuracies[0] == 0.5 && isnan(trial->log.accuracies[2]));
    ck_assert(isnan(trial->log.images_per_s[2]) && trial->jobs == 0 && trial->threads == 0);
    close(search.record);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parsers");
    TCase *tests = tcase_create("parsers");
    tcase_add_checked_fixture(tests, make_root, remove_root);
    tcase_add_test(tests, pipes_are_refused);
    tcase_add_test(tests, messages_are_one_line);
    tcase_add_test(tests, holes_take_no_memory);
#ifdef LATHE_ZLIB
    tcase_add_test(tests, idx_inflates_to_its_header);
#endif
#if __has_include("stb_image.h")
#ifdef LATHE_ZLIB
    tcase_add_test(tests, png_inflates_to_its_header);
#endif
    tcase_add_test(tests, jpeg_with_too_many_codes);
    tcase_add_test(tests, jpeg_without_codes);
    tcase_add_test(tests, jpeg_that_promises_too_much);
    tcase_add_test(tests, bmp_that_was_cut);
#endif
    tcase_add_test(tests, columns_of_any_size);
    tcase_add_test(tests, trials_with_short_lists);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
