/*
 * Sources of data but the official sets: NumPy's arrays, folders of images, functions of points;
 * right files and broken ones, measuring, targets, and what spec words make of it all. Runs in the
 * source folder.
 */
#define _GNU_SOURCE
#include "../gen/base.h"
#include "../gen/spec.h"
#include "../runtime/data.h"

#include <check.h>
#undef fail
#include <ftw.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *sources_suite(void);

/* ---- files ---- */

static char root[64]; /* a fresh folder for each test */

static void make_root(void)
{
    strcpy(root, "/tmp/lathe-check-sources-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static void remove_root(void)
{
    nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Write COUNT bytes to NAME under root, with the folders that it needs. */
static void put(const char *name, const void *bytes, size_t count)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

/* An .npy file: TYPE and SHAPE as in its header, then the numbers. Returns its length. */
static size_t npy(uint8_t *file, int version, const char *type, const char *shape,
                  const void *numbers, size_t bytes)
{
    char text[256];
    int length =
        snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }     \n",
                 type, shape);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (uint8_t)version;
    file[7] = 0;
    file[8] = (uint8_t)length;
    file[9] = file[10] = file[11] = 0;
    size_t head = version == 1 ? 10 : 12;
    memcpy(file + head, text, (size_t)length);
    memcpy(file + head + (size_t)length, numbers, bytes);
    return head + (size_t)length + bytes;
}

static void put_npy(const char *name, const char *type, const char *shape, const void *numbers,
                    size_t bytes)
{
    uint8_t file[4096];
    put(name, file, npy(file, 1, type, shape, numbers, bytes));
}

/* ---- dying ---- */

static int message_pipe;

static void tell(int status, const char *message)
{
    if (write(message_pipe, message, strlen(message)) < 0)
        _exit(99);
    _exit(status);
}

/* Open DATA's set in a process of its own; its exit status, its last words in MESSAGE and what was
 * on stderr behind them. */
static int open_apart(const struct lathe_data *data, const struct lathe_opening *opening,
                      char message[4096])
{
    int ends[2], status;
    size_t length = 0;
    memset(message, 0, 4096);
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        message_pipe = ends[1];
        dup2(ends[1], 2);
        lathe_die_handler = tell;
        struct lathe_dataset *set = lathe_open_part(data, opening);
        fprintf(stderr, "%d samples", set->count);
        lathe_close_dataset(set);
        fflush(NULL);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], message + length, 4095 - length)) > 0;)
        length += (size_t)got;
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Assert that opening ends with STATUS and the words EXPECTED, where "@" stands for root. */
static void says(const struct lathe_data *data, const struct lathe_opening *opening, int status,
                 const char *expected)
{
    char given[4096], wanted[4096] = "";
    int ended = open_apart(data, opening, given);
    for (const char *c = expected; *c; c++)
        *c == '@' ? strcat(wanted, root) : strncat(wanted, c, 1);
    ck_assert_str_eq(given, wanted);
    ck_assert_int_eq(ended, status);
}

/* ---- arrays ---- */

static struct lathe_data arrays(int channels, int height, int width, int classes, int targets)
{
    return (struct lathe_data){.source = LATHE_ARRAYS,
                               .channels = channels,
                               .height = height,
                               .width = width,
                               .load_height = height,
                               .load_width = width,
                               .classes = classes,
                               .targets = targets,
                               .deviation = {1, 1, 1, 1},
                               .subset = 1,
                               .files = {"x.npy", "y.npy", "test/x.npy", "test/y.npy"}};
}

static const uint8_t bytes_of[12] = {0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6};

START_TEST(arrays_of_bytes_and_labels)
{
    struct lathe_data data = arrays(1, 2, 3, 4, 0);
    const int64_t labels[] = {3, 0};
    const uint8_t few[] = {2, 1};
    const int32_t four[] = {1, 2};
    float input[12];
    int32_t read[2];
    put_npy("x.npy", "|u1", "(2, 2, 3)", bytes_of, 12); /* one channel may be left out */
    put_npy("y.npy", "<i8", "(2,)", labels, sizeof labels);
    struct lathe_dataset *set = lathe_open_dataset(&data, root, true, 0);
    ck_assert_int_eq(set->count, 2);
    ck_assert_mem_eq(set->images, bytes_of, 12);
    ck_assert(set->labels[0] == 3 && set->labels[1] == 0);
    struct lathe_batch batch = {.input = input, .labels = read};
    lathe_fill_batch(&data, set, NULL, 0, 2, true, 1, 0, &batch);
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq(input[i], (float)bytes_of[i] / 255.0f);
    ck_assert(read[0] == 3 && read[1] == 0);
    lathe_close_dataset(set);
    put_npy("test/x.npy", "|u1", "(2, 1, 2, 3)", bytes_of, 12);
    put_npy("test/y.npy", "|u1", "(2, 1)", few, sizeof few);
    set = lathe_open_dataset(&data, root, false, 0);
    ck_assert(set->labels[0] == 2 && set->labels[1] == 1);
    lathe_close_dataset(set);
    put_npy("y.npy", "<i4", "(2,)", four, sizeof four);
    put_npy("x.npy", "|u1", "(2, 6)", bytes_of, 12); /* flat */
    set = lathe_open_dataset(&data, root, true, 1);
    ck_assert(set->count == 1 && set->labels[0] == 1);
    lathe_close_dataset(set);
}
END_TEST

START_TEST(arrays_of_floats_and_values)
{
    struct lathe_data data = arrays(2, 1, 1, 0, 3);
    const double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const float y[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    float input[12], targets[18];
    struct lathe_batch batch = {.input = input, .targets = targets};
    data.files[2] = data.files[3] = NULL;
    put_npy("x.npy", "<f8", "(6, 2)", x, sizeof x);
    put_npy("y.npy", "<f4", "(6, 3)", y, sizeof y);
    struct lathe_dataset *train = lathe_open_dataset(&data, root, true, 0);
    struct lathe_dataset *test = lathe_open_dataset(&data, root, false, 0);
    ck_assert_int_eq(train->count, 5); /* all but the fifth */
    ck_assert_int_eq(test->count, 1);
    lathe_fill_batch(&data, train, NULL, 3, 2, true, 1, 0, &batch);
    ck_assert(input[0] == 7 && input[1] == 8 && input[2] == 11 && input[3] == 12);
    ck_assert(targets[0] == 10 && targets[5] == 18);
    lathe_fill_batch(&data, test, NULL, 0, 1, false, 1, 0, &batch);
    ck_assert(input[0] == 9 && targets[2] == 15);
    lathe_close_dataset(train);
    lathe_close_dataset(test);
    uint8_t file[4096];
    put("x.npy", file, npy(file, 2, "<f8", "(6,2,)", x, sizeof x)); /* version 2.0 */
    train = lathe_open_dataset(&data, root, true, 0);
    ck_assert_int_eq(train->count, 5);
    lathe_close_dataset(train);
}
END_TEST

/* The file x.npy with this header's type and shape is refused with these words. */
static void refuses(const struct lathe_data *data, const char *type, const char *shape,
                    size_t bytes, const char *words)
{
    static const uint8_t zeros[2048];
    const struct lathe_opening opening = {.folder = root, .train = true};
    put_npy("x.npy", type, shape, zeros, bytes);
    says(data, &opening, LATHE_USER, words);
}

START_TEST(arrays_say_what_is_broken)
{
    struct lathe_data data = arrays(1, 2, 3, 4, 0);
    const struct lathe_opening opening = {.folder = root, .train = true};
    const int64_t labels[] = {3, 4};
    says(&data, &opening, LATHE_USER, "@/x.npy: cannot read: No such file or directory");
    put("x.npy", "hello", 5);
    says(&data, &opening, LATHE_USER, "@/x.npy: not an array of NumPy's (.npy)");
    refuses(&data, "<c8", "(2, 6)", 96,
            "@/x.npy: numbers of type '<c8', expected |u1, <i4, <i8, <f4 or <f8");
    refuses(&data, ">f4", "(2, 6)", 48,
            "@/x.npy: numbers of type '>f4', expected |u1, <i4, <i8, <f4 or <f8");
    refuses(&data, "|u1", "(2, 6", 12, "@/x.npy: damaged header");
    refuses(&data, "|u1", "(2, -6)", 12, "@/x.npy: damaged header");
    refuses(&data, "|u1", "(1,1,1,1,1,1,1,1,1)", 1, "@/x.npy: damaged header");
    refuses(&data, "|u1", "(2, 6)", 11, "@/x.npy: the header promises 12 bytes, the file has 11");
    refuses(&data, "|u1", "(2, 6)", 13, "@/x.npy: the header promises 12 bytes, the file has 13");
    refuses(&data, "<f8", "(4000000000, 4000000000, 4000000000)", 8,
            "@/x.npy: the header promises more than 18446744073709551615 bytes, the file has 8");
    refuses(&data, "|u1", "(2, 3, 2)", 12,
            "@/x.npy: an array of shape (2x3x2), expected samples of 1x2x3");
    refuses(&data, "|u1", "()", 1,
            "@/x.npy: an array of shape (), expected 1 to 2147483647 samples");
    refuses(&data, "|u1", "(0, 6)", 0,
            "@/x.npy: an array of shape (0x6), expected 1 to 2147483647 samples");
    put_npy("x.npy", "|u1", "(2, 6)", bytes_of, 12);
    put_npy("y.npy", "<i8", "(2,)", labels, sizeof labels);
    says(&data, &opening, LATHE_USER, "@/y.npy: label 1 is 4, expected 0 to 3");
    put_npy("y.npy", "<i8", "(1,)", labels, 8);
    says(&data, &opening, LATHE_USER, "@/y.npy: 1 samples, but 2 in @/x.npy");
    put_npy("y.npy", "<f8", "(2,)", labels, 16);
    says(&data, &opening, LATHE_USER, "@/y.npy: floats, expected the numbers of 4 classes");
    put_npy("y.npy", "<i8", "(2, 1, 1)", labels, 16);
    says(&data, &opening, LATHE_USER,
         "@/y.npy: an array of shape (2x1x1), expected 1 number a sample");
    const float bad[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, NAN, 11, 12};
    put_npy("x.npy", "<f4", "(2, 6)", bad, sizeof bad);
    says(&data, &opening, LATHE_USER, "@/x.npy: number 9 is nan");
}
END_TEST

/* Wherever a file is cut, one line says so. */
START_TEST(cut_arrays_are_refused)
{
    struct lathe_data data = arrays(1, 2, 3, 0, 1);
    const struct lathe_opening opening = {.folder = root, .train = true};
    uint8_t file[4096];
    char message[4096];
    data.target = LATHE_TARGET_INPUT;
    size_t length = npy(file, 1, "|u1", "(2, 6)", bytes_of, 12);
    for (size_t cut = 0; cut < length; cut++) {
        put("x.npy", file, cut);
        ck_assert_int_eq(open_apart(&data, &opening, message), LATHE_USER);
        ck_assert_ptr_null(strchr(message, '\n'));
    }
    put("x.npy", file, length);
    says(&data, &opening, 0, "2 samples");
}
END_TEST

/* ---- folders of images ---- */

static uint32_t checksum(const uint8_t *bytes, size_t count)
{
    uint32_t value = ~0u;
    for (size_t i = 0; i < count; i++) {
        value ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
    }
    return ~value;
}

static size_t chunk(uint8_t *at, const char *kind, const uint8_t *bytes, uint32_t count)
{
    const uint32_t sum_at = 8 + count;
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(count >> (24 - 8 * i));
    memcpy(at + 4, kind, 4);
    memcpy(at + 8, bytes, count);
    uint32_t sum = checksum(at + 4, count + 4);
    for (int i = 0; i < 4; i++)
        at[sum_at + (uint32_t)i] = (uint8_t)(sum >> (24 - 8 * i));
    return count + 12;
}

enum { SIDE = 8, LINE = 1 + 3 * SIDE, RAW = SIDE * LINE };

/* A PNG of SIDE x SIDE pixels of one colour, stored without compression. Returns its length. */
static size_t png(uint8_t *file, int red, int green, int blue)
{
    const uint8_t header[13] = {0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 2, 0, 0, 0};
    uint8_t packed[11 + RAW] = {0x78, 1, 1, RAW & 255, RAW >> 8, ~RAW & 255, (~RAW >> 8) & 255};
    uint32_t a = 1, b = 0;
    for (int i = 0; i < RAW; i++) {
        const int colours[3] = {red, green, blue};
        packed[7 + i] = i % LINE ? (uint8_t)colours[(i % LINE - 1) % 3] : 0;
        a = (a + packed[7 + i]) % 65521;
        b = (b + a) % 65521;
    }
    for (int i = 0; i < 4; i++)
        packed[7 + RAW + i] = (uint8_t)((b << 16 | a) >> (24 - 8 * i));
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    size_t length = 8 + chunk(file + 8, "IHDR", header, 13);
    length += chunk(file + length, "IDAT", packed, sizeof packed);
    return length + chunk(file + length, "IEND", header, 0);
}

static void put_png(const char *name, int red, int green, int blue)
{
    uint8_t file[1024];
    put(name, file, png(file, red, green, blue));
}

static struct lathe_data images(int channels, int side, int classes)
{
    return (struct lathe_data){.source = LATHE_IMAGES,
                               .channels = channels,
                               .height = side,
                               .width = side,
                               .load_height = side,
                               .load_width = side,
                               .classes = classes,
                               .deviation = {1, 1, 1, 1},
                               .subset = 1};
}

#if __has_include("stb_image.h")

START_TEST(folders_are_read_in_order)
{
    struct lathe_data data = images(3, 4, 3);
    put_png("train/cat/b.png", 10, 20, 30);
    put_png("train/cat/a.PNG", 40, 50, 60);
    put_png("train/ant/x.png", 70, 80, 90);
    put_png("train/dog/x.jpeg", 1, 2, 3); /* the name's end does not say what it is */
    put("train/cat/notes.txt", "hello", 5);
    put("train/.hidden/x.png", "hello", 5);
    put("train/list.csv", "hello", 5);
    put_png("val/dog/1.png", 100, 110, 120);
    put("val/cat/2.pgm", "P5 1 1 255\nA", 12);
    struct lathe_dataset *set = lathe_open_dataset(&data, root, true, 0);
    const int labels[] = {0, 1, 1, 2}, reds[] = {70, 40, 10, 1};
    ck_assert_int_eq(set->count, 4);
    ck_assert_str_eq(set->class_names[0], "ant");
    ck_assert_str_eq(set->class_names[2], "dog");
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(set->labels[i], labels[i]);
        for (int k = 0; k < 16; k++) {
            ck_assert_int_eq(set->images[i * 48 + k], reds[i]);
            ck_assert_int_eq(set->images[i * 48 + 16 + k], i == 3 ? 2 : reds[i] + 10);
        }
    }
    lathe_close_dataset(set);
    set = lathe_open_dataset(&data, root, false, 0);
    ck_assert(set->count == 2 && set->labels[0] == 1 && set->labels[1] == 2);
    ck_assert(set->images[0] == 'A' && set->images[48] == 100);
    lathe_close_dataset(set);
    data.subset = 0.5; /* at equal distances: one of ant, one of cat */
    set = lathe_open_dataset(&data, root, true, 0);
    ck_assert(set->count == 2 && set->labels[0] == 0 && set->labels[1] == 1);
    lathe_close_dataset(set);
}
END_TEST

START_TEST(folders_say_what_is_missing)
{
    struct lathe_data data = images(3, 4, 2);
    const struct lathe_opening train = {.folder = root, .train = true}, test = {.folder = root};
    says(&data, &train, LATHE_USER, "images: no folder train in @");
    says(&data, &test, LATHE_USER, "images: no folder test or val in @");
    put_png("train/cat/b.png", 10, 20, 30);
    says(&data, &train, LATHE_USER, "@/train: 1 folders of classes, the network tells 2 apart");
    put("train/dog/x.txt", "hello", 5);
    put_png("test/cow/b.png", 10, 20, 30);
    says(&data, &test, LATHE_USER, "@/test/cow: a class that is not in train");
    says(&data, &train, 0, "1 samples");
    char *gone = lathe_join(root, "train/cat/b.png");
    unlink(gone);
    free(gone);
    says(&data, &train, LATHE_USER, "@/train: no pictures (.png, .jpg, .jpeg, .bmp, .ppm, .pgm)");
}
END_TEST

/* A folder of 1,000 images, of which one, then three, are no images any more. */
START_TEST(one_bad_file_of_a_thousand)
{
    struct lathe_data data = images(3, 4, 10);
    struct lathe_opening opening = {.folder = root, .train = true};
    uint8_t file[1024];
    char name[64];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "train/class%d/%03d.png", i / 100, i % 100);
        put_png(name, i % 256, i / 4, 7);
    }
    says(&data, &opening, 0, "1000 samples");
    size_t length = png(file, 1, 2, 3);
    file[100] ^= 4; /* a pixel: the checksum tells */
    put("train/class4/050.png", file, length);
    says(&data, &opening, LATHE_USER,
         "@/train/class4/050.png: damaged image: wrong checksum in the part at byte 33 "
         "(--on-bad-file skip leaves such files out)");
    opening.skip_bad = true;
    says(&data, &opening, 0,
         "left out: @/train/class4/050.png: damaged image: wrong checksum in the part at byte "
         "33\n999 samples");
    put("train/class0/000.png", file, 60);
    put("train/class9/099.png", "", 0);
    says(&data, &opening, 0,
         "left out: @/train/class0/000.png: damaged image: its end is missing\n"
         "left out: @/train/class4/050.png: damaged image: wrong checksum in the part at byte "
         "33\n"
         "left out: @/train/class9/099.png: not an image that can be read (PNG, JPEG, BMP, "
         "PNM)\n997 samples");
    struct lathe_dataset *set = lathe_open_part(&data, &opening);
    ck_assert_int_eq(set->labels[449], 4); /* the good ones have moved up */
    ck_assert_int_eq(set->images[(size_t)449 * 48], 451 % 256);
    lathe_close_dataset(set);
}
END_TEST

START_TEST(images_may_all_be_bad)
{
    struct lathe_data data = images(3, 4, 2);
    const struct lathe_opening opening = {.folder = root, .train = true, .skip_bad = true};
    put("train/class0/000.png", "", 0);
    put("train/class1/000.png", "", 0);
    says(&data, &opening, LATHE_USER,
         "left out: @/train/class0/000.png: not an image that can be read (PNG, JPEG, BMP, PNM)\n"
         "left out: @/train/class1/000.png: not an image that can be read (PNG, JPEG, BMP, PNM)\n"
         "images: none of 2 files can be read");
}
END_TEST

/* Wherever a PNG is cut, and whichever bit of it turns, it is no whole image. */
START_TEST(damaged_png_is_never_taken)
{
    uint8_t file[1024], pixels[3 * SIDE * SIDE];
    struct lathe_error error;
    size_t length = png(file, 10, 20, 30);
    char *path = lathe_join(root, "image.png");
    for (size_t cut = 0; cut < length; cut++) {
        put("image.png", file, cut);
        ck_assert(!lathe_decode_image(path, 3, SIDE, SIDE, pixels, &error));
    }
    for (size_t i = 8; i < length; i++) {
        file[i] ^= 1 << i % 8;
        put("image.png", file, length);
        ck_assert_msg(!lathe_decode_image(path, 3, SIDE, SIDE, pixels, &error), "byte %zu", i);
        file[i] ^= 1 << i % 8;
    }
    put("image.png", file, length);
    ck_assert(lathe_decode_image(path, 3, SIDE, SIDE, pixels, &error));
    free(path);
}
END_TEST

/* A JPEG that was cut is decoded by stb_image with grey for what is missing; not here. */
START_TEST(cut_jpeg_is_refused)
{
    const char *folder = getenv("LATHE_DATA") ? getenv("LATHE_DATA") : "../shared/data";
    char *path = lathe_join(folder, "images/rocket.jpg");
    static uint8_t file[1 << 20];
    uint8_t pixels[3 * 256];
    struct lathe_error error;
    FILE *stream = fopen(path, "rb");
    if (!stream) {
        printf("skipped: no data in %s\n", folder);
        free(path);
        return;
    }
    size_t length = fread(file, 1, sizeof file, stream);
    fclose(stream);
    ck_assert(lathe_decode_image(path, 3, 16, 16, pixels, &error));
    char *cut = lathe_join(root, "cut.jpg");
    for (size_t part = 2; part < length; part += length / 40) {
        put("cut.jpg", file, part);
        ck_assert_msg(!lathe_decode_image(cut, 3, 16, 16, pixels, &error), "cut at %zu", part);
    }
    put("cut.jpg", file, length - 1);
    ck_assert(!lathe_decode_image(cut, 3, 16, 16, pixels, &error));
    free(path);
    free(cut);
}
END_TEST

/* Images that do not fit in memory are decoded batch by batch, to the same bits. */
START_TEST(images_may_stay_files)
{
    const struct lathe_augmentation chain[] = {{.kind = LATHE_CROP, .size = 5, .pad = 1},
                                               {.kind = LATHE_ROTATE, .p = 1, .amount = {20}}};
    struct lathe_data data = images(3, 5, 2);
    enum { COUNT = 40, NUMBERS = COUNT * 75 };
    static float kept[NUMBERS], decoded[NUMBERS];
    float mean[2][3], deviation[2][3];
    char name[64];
    data.load_height = data.load_width = 6;
    data.augmentation = chain;
    data.augmentation_count = 2;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "train/%d/%02d.png", i % 2, i);
        put_png(name, 6 * i, 255 - i, i);
    }
    struct lathe_dataset *set = lathe_open_dataset(&data, root, true, 0);
    ck_assert(set->images && !set->paths && lathe_costs_time(&data, set));
    lathe_fill_batch(&data, set, NULL, 0, COUNT, true, 3, 1, &(struct lathe_batch){.input = kept});
    lathe_measure(set, mean[0], deviation[0]);
    lathe_close_dataset(set);
    lathe_image_memory = COUNT * 108 - 1;
    set = lathe_open_dataset(&data, root, true, 0);
    ck_assert(!set->images && set->paths);
    lathe_fill_batch(&data, set, NULL, 0, COUNT, true, 3, 1,
                     &(struct lathe_batch){.input = decoded});
    lathe_measure(set, mean[1], deviation[1]);
    ck_assert_mem_eq(kept, decoded, sizeof kept);
    ck_assert_mem_eq(mean[0], mean[1], sizeof mean[0]);
    ck_assert_mem_eq(deviation[0], deviation[1], sizeof mean[0]);
    put("train/1/07.png", "gone", 4); /* since it was looked at */
    struct lathe_error error;
    const struct lathe_pick pick = {NULL, 0, COUNT, true, 3, 1};
    ck_assert(
        !lathe_try_fill_batch(&data, set, &pick, &(struct lathe_batch){.input = decoded}, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "train/1/07.png: not an image"));
    lathe_close_dataset(set);
}
END_TEST
#endif

/* ---- functions of points ---- */

static struct lathe_dataset *function_set(enum lathe_source source, int inputs, bool train)
{
    struct lathe_data data = {.source = source,
                              .channels = inputs,
                              .height = 1,
                              .width = 1,
                              .targets = 1,
                              .deviation = {1, 1, 1, 1},
                              .subset = 1};
    return lathe_open_dataset(&data, NULL, train, 0);
}

/* The weights of the linear function by least squares (normal equations), and the largest rest. */
static double rest_of_fit(const struct lathe_dataset *set, int n)
{
    double a[16][17] = {{0}}, largest = 0;
    for (int s = 0; s < set->count; s++)
        for (int i = 0; i < n; i++) {
            const float *x = set->points + (size_t)s * (size_t)n;
            for (int j = 0; j < n; j++)
                a[i][j] += (double)x[i] * (double)x[j];
            a[i][n] += (double)x[i] * (double)set->values[s];
        }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            double factor = a[k][i] / a[i][i];
            for (int j = 0; j <= n && k != i; j++)
                a[k][j] -= factor * a[i][j];
        }
    for (int s = 0; s < set->count; s++) {
        double sum = -(double)set->values[s];
        for (int i = 0; i < n; i++)
            sum += a[i][n] / a[i][i] * (double)set->points[(size_t)s * (size_t)n + (size_t)i];
        largest = fmax(largest, fabs(sum));
    }
    return largest;
}

START_TEST(functions_are_what_they_are_called)
{
    const int n = 8;
    for (int train = 0; train < 2; train++) {
        struct lathe_dataset *linear = function_set(LATHE_LINEAR, n, train);
        struct lathe_dataset *largest = function_set(LATHE_MAX, n, train);
        struct lathe_dataset *soft = function_set(LATHE_LOGSUMEXP, n, train);
        ck_assert_int_eq(linear->count, train ? 8000 : 2000);
        size_t bytes = (size_t)linear->count * (size_t)n * sizeof(float);
        ck_assert_mem_eq(linear->points, largest->points, bytes);
        ck_assert_mem_eq(linear->points, soft->points, bytes);
        double sum = 0, squares = 0;
        for (int i = 0; i < linear->count; i++) {
            double most = (double)largest->values[i], between = (double)soft->values[i] - most;
            ck_assert(between > 0 && between <= log(n) + 1e-6);
            ck_assert_double_ge(most, (double)linear->values[i] / n - 1e-5);
        }
        for (int i = 0; i < linear->count * n; i++) {
            sum += (double)linear->points[i];
            squares += (double)linear->points[i] * (double)linear->points[i];
        }
        ck_assert_double_lt(fabs(sum / linear->count / n), 0.03);
        ck_assert_double_lt(fabs(squares / linear->count / n - 1), 0.03);
        ck_assert_double_lt(rest_of_fit(linear, n), 1e-5);
        ck_assert_double_gt(rest_of_fit(largest, n), 0.5);
        lathe_close_dataset(linear);
        lathe_close_dataset(largest);
        lathe_close_dataset(soft);
    }
}
END_TEST

/* ---- measuring, targets ---- */

START_TEST(measured_like_numpy)
{
    struct lathe_data data = arrays(2, 1, 2, 0, 1);
    const float x[] = {1, 2, 5, 5, 3, 6, 5, 5, 7, -1, 5, 5}; /* 3 samples, channels 1,2 / 5,5 */
    float mean[2], deviation[2], input[12], targets[12];
    data.target = LATHE_TARGET_INPUT;
    data.measured = true;
    data.mean[0] = 9; /* not used */
    put_npy("x.npy", "<f4", "(3, 2, 1, 2)", x, sizeof x);
    struct lathe_dataset *set = lathe_open_dataset(&data, root, true, 0);
    lathe_measure(set, mean, deviation);
    ck_assert_float_eq(mean[0], 3);
    ck_assert_float_eq(mean[1], 5);
    ck_assert_float_le(fabsf(deviation[0] - sqrtf(46 / 6.0f)), 1e-6f);
    ck_assert_float_eq(deviation[1], 1); /* it never changes */
    lathe_normalise(set, mean, deviation);
    struct lathe_batch batch = {.input = input, .targets = targets};
    lathe_fill_batch(&data, set, NULL, 0, 3, true, 1, 0, &batch);
    ck_assert_mem_eq(input, targets, sizeof input); /* the target is the input, normalised */
    for (int i = 0; i < 12; i++)
        ck_assert_float_eq(input[i], (x[i] - mean[i / 2 % 2]) / deviation[i / 2 % 2]);
    lathe_close_dataset(set);
    put_npy("x.npy", "|u1", "(3, 2, 1, 2)", bytes_of, 12);
    set = lathe_open_dataset(&data, root, true, 0);
    lathe_measure(set, mean, deviation);
    ck_assert_float_le(fabsf(mean[0] - (0 + 51 + 204 + 255 + 3 + 4) / 6.0f / 255), 1e-7f);
    lathe_close_dataset(set);
}
END_TEST

/* ---- spec words ---- */

static struct arena *arena;
static struct network *network;
static struct failure failure;

struct reading {
    const char *path;
};

static void read_it(void *context)
{
    struct reading *reading = context;
    network = spec_read(arena, reading->path, NULL, 0);
}

/* Read a network of LAYERS and DATA; false where it is refused, with the message in failure. */
static bool read_spec(const char *text)
{
    struct reading reading = {arena_printf(arena, "%s/net.lua", root)};
    put("net.lua", text, strlen(text));
    return protected_call(read_it, &reading, &failure) == STATUS_DONE;
}

#define READ(text) ck_assert_msg(read_spec(text), "%s", failure.message)

static void set_up(void)
{
    make_root();
    arena = arena_new();
}

static void tear_down(void)
{
    arena_free(arena);
    remove_root();
}

START_TEST(sources_are_words)
{
    const struct lathe_data *data;
    READ("return network { flatten(), linear(7), data = images { size = { 3, 20, 30 }, classes = 7,"
         "augment = { resize(40), center_crop(36), random_resize(0.5, 2), rotate(45, { p = 0.3 }),"
         "shear(10), perspective(0.25, { p = 0.75 }), color_jitter { brightness = 1, contrast = 2,"
         "saturation = 3, hue = 0.5, p = 0.3 }, noise(0.125), resize { 9, 11 } } } }");
    data = &network->data;
    ck_assert(data->source == LATHE_IMAGES && data->classes == 7);
    ck_assert(data->load_height == 20 && data->load_width == 30);
    ck_assert(data->channels == 3 && data->height == 9 && data->width == 11);
    const struct lathe_augmentation *a = data->augmentation;
    ck_assert_int_eq(data->augmentation_count, 9);
    ck_assert(a[0].kind == LATHE_RESIZE && a[0].size == 40 && a[0].width == 60);
    ck_assert(a[1].kind == LATHE_CENTER_CROP && a[1].size == 36);
    ck_assert(a[2].kind == LATHE_RANDOM_RESIZE && a[2].amount[0] == 0.5f && a[2].amount[1] == 2);
    ck_assert(a[3].kind == LATHE_ROTATE && a[3].amount[0] == 45 && a[3].p == 0.3f);
    ck_assert(a[4].kind == LATHE_SHEAR && a[4].amount[0] == 10 && a[4].p == 1);
    ck_assert(a[5].kind == LATHE_PERSPECTIVE && a[5].amount[0] == 0.25f && a[5].p == 0.75f);
    ck_assert(a[6].kind == LATHE_COLOR_JITTER && a[6].amount[1] == 2 && a[6].amount[3] == 0.5f);
    ck_assert(a[7].kind == LATHE_NOISE && a[7].amount[0] == 0.125f);
    ck_assert(a[8].size == 9 && a[8].width == 11);
    READ("return network { linear(4), data = arrays { x = 'a/x.npy', y = 'y.npy', test_x = 'b.npy',"
         "test_y = 'c.npy', shape = { 12 }, values = 4, subset = 0.5 } }");
    data = &network->data;
    ck_assert(data->source == LATHE_ARRAYS && data->classes == 0 && data->targets == 4);
    ck_assert(data->channels == 12 && data->height == 1 && network->loss == LATHE_MSE);
    ck_assert_str_eq(data->files[0], "a/x.npy");
    ck_assert_str_eq(data->files[3], "c.npy");
    READ("return network { linear(1), data = points('max', { inputs = 5 }) }");
    ck_assert(network->data.source == LATHE_MAX && network->data.channels == 5);
    ck_assert(network->loss == LATHE_MSE && network->data.targets == 1);
}
END_TEST

START_TEST(targets_and_measuring_are_words)
{
    READ("return network { flatten(), linear(784), data = mnist { target = 'input',"
         "normalize = 'auto' } }");
    const struct lathe_data *data = &network->data;
    ck_assert(data->target == LATHE_TARGET_INPUT && data->classes == 0 && data->measured);
    ck_assert(data->targets == 784 && network->loss == LATHE_MSE);
    const struct tensor *last = network->graph->tensors.items[network->graph->tensors.count - 1];
    ck_assert_str_eq(last->name, "data.std");
    ck_assert(last->kind == TENSOR_BUFFER && last->dims[0] == 1 && last->init_value == 1);
    READ("return network { flatten(), linear(2), data = mnist { target = 'none' } }");
    ck_assert_int_eq(network->data.target, LATHE_TARGET_NONE);
    ck_assert_ptr_null(network->graph->loss);
    READ("return network { input = vector(3), linear(2) }");
    ck_assert(network->data.source == LATHE_NO_DATA && network->data.target == LATHE_TARGET_NONE);
}
END_TEST

static const struct {
    const char *layers, *message;
} refused[] = {
    {"linear(1), data = arrays { x = '../x', y = 'y', shape = { 1 } }",
     "arrays: x must be a file's name below --data: letters, digits, _, -, . and /, given '../x'"},
    {"linear(1), data = arrays { x = '/x', y = 'y', shape = { 1 } }",
     "arrays: x must be a file's name below --data: letters, digits, _, -, . and /, given '/x'"},
    {"linear(1), data = arrays { x = 'a//x', y = 'y', shape = { 1 } }",
     "arrays: x must be a file's name below --data: letters, digits, _, -, . and /, given 'a//x'"},
    {"linear(1), data = arrays { x = 'x', shape = { 1 } }",
     "arrays: y is missing, a file's name below --data: letters, digits, _, -, . and /"},
    {"linear(1), data = arrays { x = 'x', y = 'y', shape = { 1 }, classes = 2, values = 2 }",
     "arrays: takes classes or values, given both"},
    {"linear(1), data = arrays { x = 'x', y = 'y', shape = { 1 }, test_x = 'z' }",
     "arrays: test_x and test_y come together"},
    {"linear(1), data = arrays { x = 'x', y = 'y', shape = { 1, 2 } }",
     "arrays: shape must be { size } or { channels, height, width }, given a list"},
    {"linear(2), data = arrays { x = 'x', y = 'y', shape = { 1 } }",
     "the last layer, linear1, has 2 outputs, the data's targets are 1 number"},
    {"linear(2), data = points('xor', { inputs = 3 })", "points: xor has two inputs"},
    {"linear(1), data = points('max'), loss = cross_entropy()",
     "cross_entropy: needs classes, and the target of points is numbers: mse() is for them"},
    {"linear(1), data = points('max', { augment = hflip() })",
     "hflip: points has rows of numbers, no images"},
    {"linear(2), data = images { size = { 2, 4, 4 }, classes = 2 }",
     "images: size must have 1 or 3 channels"},
    {"linear(2), data = images { size = { 3, 2000, 4 }, classes = 2 }",
     "images: size must be a list of 3, each a whole number from 1 to 1024, given a list"},
    {"linear(2), data = mnist { augment = center_crop(29) }",
     "center_crop: a square of 29 does not fit 28x28"},
    {"linear(2), data = mnist { augment = random_resize(2, 1) }",
     "random_resize: low must not be above high"},
    {"linear(2), data = mnist { augment = rotate(181) }",
     "rotate: degrees must be a number from 0 to 180, given 181"},
    {"linear(2), data = mnist { augment = color_jitter { hue = 0.6 } }",
     "color_jitter: hue must be a number from 0 to 0.5, given 0.6"},
    {"linear(2), data = mnist { augment = noise(0) }",
     "noise: std must be a number above 0, given 0"},
    {"linear(2), data = images { size = { 3, 4, 400 }, classes = 2, augment = resize(20) }",
     "resize: the result is 20x2000, at most 1024 a side are possible"},
    {"linear(2), data = mnist { normalize = 'automatic' }",
     "mnist: normalize must be 'auto' or a table { ... }, given 'automatic'"},
    {"linear(2), data = mnist { target = 'none' }, loss = mse()",
     "network: without a target (mnist has target = 'none') there is no loss"},
    {"linear(2, { name = 'data' }), data = points('xor', { normalize = 'auto' })",
     "the name 'data' is taken by lathe"},
};

START_TEST(what_cannot_be_is_refused)
{
    const char *text = arena_printf(arena, "return network { %s }", refused[_i].layers);
    ck_assert(!read_spec(text));
    const char *expected = arena_printf(arena, "%s/net.lua:1: %s", root, refused[_i].message);
    ck_assert_str_eq(failure.message, expected);
}
END_TEST

/* ---- the suite ---- */

static TCase *files_case(void)
{
    TCase *files = tcase_create("files");
    tcase_set_timeout(files, 60);
    tcase_add_checked_fixture(files, make_root, remove_root);
    tcase_add_test(files, arrays_of_bytes_and_labels);
    tcase_add_test(files, arrays_of_floats_and_values);
    tcase_add_test(files, arrays_say_what_is_broken);
    tcase_add_test(files, cut_arrays_are_refused);
#if __has_include("stb_image.h")
    tcase_add_test(files, folders_are_read_in_order);
    tcase_add_test(files, folders_say_what_is_missing);
    tcase_add_test(files, one_bad_file_of_a_thousand);
    tcase_add_test(files, images_may_all_be_bad);
    tcase_add_test(files, damaged_png_is_never_taken);
    tcase_add_test(files, cut_jpeg_is_refused);
    tcase_add_test(files, images_may_stay_files);
#endif
    tcase_add_test(files, functions_are_what_they_are_called);
    tcase_add_test(files, measured_like_numpy);
    return files;
}

Suite *sources_suite(void)
{
    Suite *suite = suite_create("sources");
    TCase *words = tcase_create("words");
    tcase_add_checked_fixture(words, set_up, tear_down);
    tcase_add_test(words, sources_are_words);
    tcase_add_test(words, targets_and_measuring_are_words);
    tcase_add_loop_test(words, what_cannot_be_is_refused, 0, sizeof refused / sizeof *refused);
    suite_add_tcase(suite, files_case());
    suite_add_tcase(suite, words);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(sources_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
