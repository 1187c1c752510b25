/*
 * The data room: readers against files that are right and files that are broken, augmentation
 * against a slow reference, images of every kind.
 *
 * Real files are read where LATHE_DATA (default ../shared/data) has them. Test processes that have
 * run a parallel region are never forked again for something parallel: libgomp does not survive it.
 */
#define _GNU_SOURCE
#include "../runtime/data.h"

#include <check.h>
#include <ftw.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef LATHE_ZLIB
#include <zlib.h>
#endif

#include "../runtime/random.h"

Suite *data_suite(void);

/* ---- files ---- */

static char root[64]; /* a fresh folder for each test */

static void make_root(void)
{
    strcpy(root, "/tmp/lathe-check-data-XXXXXX");
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

/* A file's content on its way. */
struct content {
    size_t count;
    uint8_t bytes[40000];
};

static void add(struct content *content, const void *bytes, size_t count)
{
    ck_assert_uint_le(content->count + count, sizeof content->bytes);
    memcpy(content->bytes + content->count, bytes, count);
    content->count += count;
}

static void add_byte(struct content *content, int byte)
{
    add(content, &(uint8_t){byte}, 1);
}

static void add_big_endian(struct content *content, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        add_byte(content, number >> shift & 0xff);
}

/* The path of NAME under root. */
static const char *place(const char *name)
{
    static char paths[4][256];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

/* Write CONTENT to NAME under root, with the folders that it needs. */
static void put(const char *name, const struct content *content)
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
    ck_assert_uint_eq(fwrite(content->bytes, 1, content->count, file), content->count);
    ck_assert_int_eq(fclose(file), 0);
}

static void put_text(const char *name, const char *text)
{
    struct content content = {0};
    add(&content, text, strlen(text));
    put(name, &content);
}

#ifdef LATHE_ZLIB
static struct content compressed(const struct content *content)
{
    struct content result = {0};
    z_stream stream = {.next_in = (uint8_t *)content->bytes, .avail_in = (unsigned)content->count};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_out = result.bytes;
    stream.avail_out = sizeof result.bytes;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    result.count = stream.total_out;
    deflateEnd(&stream);
    return result;
}
#endif

/* COUNT images of 3 x 2; byte b of image i is 10 i + b. */
static struct content idx_images(uint32_t magic, uint32_t count)
{
    struct content content = {0};
    add_big_endian(&content, magic);
    add_big_endian(&content, count);
    add_big_endian(&content, 3);
    add_big_endian(&content, 2);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t b = 0; b < 6; b++)
            add_byte(&content, (int)(10 * i + b));
    return content;
}

/* Labels 1, 2, ... COUNT. */
static struct content idx_labels(uint32_t magic, uint32_t count)
{
    struct content content = {0};
    add_big_endian(&content, magic);
    add_big_endian(&content, count);
    for (uint32_t i = 0; i < count; i++)
        add_byte(&content, (int)i + 1);
    return content;
}

/* RECORDS records of CIFAR-10 (LABEL_BYTES 1) or CIFAR-100; labels and bytes count from FIRST. */
static struct content cifar(int label_bytes, int records, int first)
{
    struct content content = {0};
    for (int i = 0; i < records; i++) {
        for (int b = 0; b < label_bytes; b++)
            add_byte(&content, first + i);
        for (int b = 0; b < 3072; b++)
            add_byte(&content, first + i + b / 1024);
    }
    return content;
}

/* ---- dying ---- */

static int message_pipe;

static void tell(int status, const char *message)
{
    if (write(message_pipe, message, strlen(message)) < 0)
        _exit(99);
    _exit(status);
}

struct opening {
    struct lathe_data data;
    const char *path;
    bool train;
};

static void open_set(const struct opening *opening)
{
    lathe_open_dataset(&opening->data, opening->path, opening->train, 0);
}

static void open_image(const struct opening *opening)
{
    float *pixels = calloc((size_t)opening->data.height * opening->data.width * 4, sizeof *pixels);
    lathe_read_image(&opening->data, opening->path, pixels);
}

/* The exit status of WHAT in a process of its own; its last words into MESSAGE. */
static int run_apart(void (*what)(const struct opening *), const struct opening *opening,
                     char message[2048])
{
    int ends[2], status;
    memset(message, 0, 2048);
    ck_assert_int_eq(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        message_pipe = ends[1];
        lathe_die_handler = tell;
        what(opening);
        _exit(0);
    }
    close(ends[1]);
    ck_assert_int_ge(read(ends[0], message, 2047), 0);
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Assert that WHAT dies as the user's error with this message, where "@" stands for root. */
static void dies(void (*what)(const struct opening *), const struct opening *opening,
                 const char *expected)
{
    char given[2048], wanted[2048] = "";
    int status = run_apart(what, opening, given);
    for (const char *c = expected; *c; c++)
        *c == '@' ? strcat(wanted, root) : strncat(wanted, c, 1);
    ck_assert_msg(status != 0, "lived, expected: %s", wanted);
    ck_assert_str_eq(given, wanted);
    ck_assert_int_eq(status, LATHE_USER);
}

/* ---- networks ---- */

static struct lathe_data network(enum lathe_source source, int channels, int height, int width,
                                 int classes)
{
    return (struct lathe_data){
        .source = source,
        .channels = channels,
        .height = height,
        .width = width,
        .classes = classes,
        .deviation = {1, 1, 1, 1},
        .subset = 1,
    };
}

static struct opening small_mnist(bool train)
{
    return (struct opening){network(LATHE_MNIST, 1, 3, 2, 10), root, train};
}

static void put_small_mnist(void)
{
    struct content images = idx_images(0x803, 5), labels = idx_labels(0x801, 5);
    put("train-images-idx3-ubyte", &images);
    put("train-labels-idx1-ubyte", &labels);
}

/* Open and check the five images of put_small_mnist below FOLDER. */
static void check_small_mnist(const char *folder, bool train)
{
    struct opening opening = small_mnist(train);
    struct lathe_dataset *set = lathe_open_dataset(&opening.data, folder, train, 0);
    ck_assert_str_eq(set->name, "mnist");
    ck_assert_int_eq(set->count, 5);
    ck_assert_int_eq(set->channels, 1);
    ck_assert_int_eq(set->height, 3);
    ck_assert_int_eq(set->width, 2);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(set->labels[i], i + 1);
        for (int b = 0; b < 6; b++)
            ck_assert_int_eq(set->images[6 * i + b], 10 * i + b);
    }
    lathe_close_dataset(set);
}

/* ---- IDX ---- */

START_TEST(idx_reads_every_name_and_folder)
{
    struct content images = idx_images(0x803, 5), labels = idx_labels(0x801, 5);
    put("flat/train-images-idx3-ubyte", &images);
    put("flat/train-labels-idx1-ubyte", &labels);
    put("dots/t10k-images.idx3-ubyte", &images);
    put("dots/t10k-labels.idx1-ubyte", &labels);
    put("parent/mnist/train-images-idx3-ubyte", &images);
    put("parent/mnist/train-labels.idx1-ubyte", &labels);
    put("torch/MNIST/raw/t10k-images-idx3-ubyte", &images);
    put("torch/MNIST/raw/t10k-labels-idx1-ubyte", &labels);
    check_small_mnist(place("flat"), true);
    check_small_mnist(place("flat/"), true);
    check_small_mnist(place("dots"), false);
    check_small_mnist(place("parent"), true);
    check_small_mnist(place("torch"), false);
}
END_TEST

START_TEST(idx_keeps_subset_and_limit)
{
    put_small_mnist();
    struct lathe_data data = network(LATHE_MNIST, 1, 3, 2, 10);
    data.subset = 0.4;
    struct lathe_dataset *set = lathe_open_dataset(&data, root, true, 0);
    ck_assert_int_eq(set->count, 2); /* images 0 and 2 */
    ck_assert_int_eq(set->labels[1], 3);
    ck_assert_int_eq(set->images[6], 20);
    lathe_close_dataset(set);
    set = lathe_open_dataset(&data, root, true, 1);
    ck_assert_int_eq(set->count, 1);
    lathe_close_dataset(set);
    data.subset = 0.01;
    set = lathe_open_dataset(&data, root, true, 9);
    ck_assert_int_eq(set->count, 1);
    lathe_close_dataset(set);
    struct opening opening = {data, root, true};
    opening.data.subset = 0;
    dies(open_set, &opening, "mnist: subset 0 is not in (0, 1]");
}
END_TEST

START_TEST(idx_names_what_is_missing)
{
    struct opening opening = small_mnist(true);
    dies(open_set, &opening, "mnist: no file train-images-idx3-ubyte in @/mnist, @/MNIST/raw, @");
    opening.data.source = LATHE_FASHION_MNIST;
    opening.train = false;
    dies(open_set, &opening,
         "fashion-mnist: no file t10k-images-idx3-ubyte in @/fashion-mnist, @/FashionMNIST/raw, @");
    opening.path = NULL;
    dies(open_set, &opening, "fashion-mnist: no folder of data; give --data DIR");
    put_small_mnist();
    unlink(place("train-labels-idx1-ubyte"));
    opening = small_mnist(true);
    dies(open_set, &opening, "mnist: no file train-labels-idx1-ubyte in @");
}
END_TEST

/* Replace the training images by CONTENT and assert how opening dies. */
static void bad_images(struct content content, const char *expected)
{
    struct opening opening = small_mnist(true);
    put("train-images-idx3-ubyte", &content);
    dies(open_set, &opening, expected);
}

static void bad_labels(struct content content, const char *expected)
{
    struct opening opening = small_mnist(true);
    put("train-labels-idx1-ubyte", &content);
    dies(open_set, &opening, expected);
}

START_TEST(idx_says_what_is_broken)
{
    put_small_mnist();
    struct content content = idx_images(0x803, 5);
    content.count = 0;
    bad_images(content, "@/train-images-idx3-ubyte: 0 bytes, a header has 16");
    content.count = 15;
    bad_images(content, "@/train-images-idx3-ubyte: 15 bytes, a header has 16");
    content.count = 45;
    bad_images(content, "@/train-images-idx3-ubyte: truncated: the header promises 46 bytes, the "
                        "file has 45");
    content.count = 47;
    bad_images(content, "@/train-images-idx3-ubyte: trailing bytes after the 46 that the header "
                        "promises");
    bad_images(idx_images(0x801, 5),
               "@/train-images-idx3-ubyte: magic number 00000801, expected 00000803");
    bad_images(idx_images(0x803, 4),
               "@/train-images-idx3-ubyte: 4 images, but 5 labels in @/train-labels-idx1-ubyte");
    bad_images(idx_images(0x803, 0),
               "@/train-images-idx3-ubyte: size 1 of the header is 0, expected 1 to 2147483647");
    content = idx_images(0x803, 5);
    content.bytes[4] = 0x7f; /* 2130706437 images */
    bad_images(content, "@/train-images-idx3-ubyte: truncated: the header promises 12784238638 "
                        "bytes, the file has 46");
    content.bytes[4] = 0x80;
    bad_images(content, "@/train-images-idx3-ubyte: size 1 of the header is 2147483653, expected 1 "
                        "to 2147483647");
    content = idx_images(0x803, 5);
    content.bytes[10] = 5; /* height 1283 */
    bad_images(content,
               "@/train-images-idx3-ubyte: size 2 of the header is 1283, expected 1 to 1024");
    put_small_mnist();
    bad_labels(idx_labels(0x803, 5),
               "@/train-labels-idx1-ubyte: magic number 00000803, expected 00000801");
    content = idx_labels(0x801, 5);
    content.bytes[8 + 3] = 10;
    bad_labels(content, "@/train-labels-idx1-ubyte: label 3 is 10, expected 0 to 9");
    content.count = 12;
    bad_labels(content, "@/train-labels-idx1-ubyte: truncated: the header promises 13 bytes, the "
                        "file has 12");
}
END_TEST

#ifdef LATHE_ZLIB
/* Put CONTENT as compressed images beside good labels and assert how opening dies. */
static void bad_compressed(const struct content *content, const char *expected)
{
    struct opening opening = small_mnist(false);
    put("t10k-images-idx3-ubyte.gz", content);
    dies(open_set, &opening, expected);
}

START_TEST(idx_compressed)
{
    struct content images = idx_images(0x803, 5), labels = idx_labels(0x801, 5);
    struct content packed = compressed(&images), packed_labels = compressed(&labels);
    put("t10k-images-idx3-ubyte.gz", &packed);
    put("t10k-labels-idx1-ubyte.gz", &packed_labels);
    check_small_mnist(root, false);
    for (size_t cut = 1; cut < packed.count; cut++) { /* wherever it is cut, one line says so */
        struct content part = packed;
        part.count = cut;
        put("t10k-images-idx3-ubyte.gz", &part);
        struct opening opening = small_mnist(false);
        char message[2048];
        int status = run_apart(open_set, &opening, message);
        ck_assert_msg(status == LATHE_USER, "cut at %zu", cut);
    }
}
END_TEST

START_TEST(idx_compressed_says_what_is_broken)
{
    struct content images = idx_images(0x803, 5), labels = idx_labels(0x801, 5);
    struct content broken = compressed(&images);
    put("t10k-labels-idx1-ubyte", &labels);
    broken.bytes[broken.count - 8] ^= 1; /* the checksum */
    bad_compressed(&broken, "@/t10k-images-idx3-ubyte.gz: damaged: incorrect data check");
    images.count--;
    broken = compressed(&images);
    bad_compressed(&broken, "@/t10k-images-idx3-ubyte.gz: truncated: the header promises 46 bytes, "
                            "the file has 45");
    images.count += 2;
    broken = compressed(&images);
    bad_compressed(&broken, "@/t10k-images-idx3-ubyte.gz: trailing bytes after the 46 that the "
                            "header promises");
    images = idx_images(0x803, 5);
    images.bytes[4] = 0x7f;
    broken = compressed(&images);
    char expected[256];
    snprintf(expected, sizeof expected,
             "@/t10k-images-idx3-ubyte.gz: truncated: the header promises 12784238638 bytes, the "
             "file has at most %zu",
             broken.count * 1032);
    bad_compressed(&broken, expected);
}
END_TEST
#else
START_TEST(idx_compressed)
{
    struct content images = idx_images(0x803, 5), labels = idx_labels(0x801, 5);
    put("t10k-images-idx3-ubyte.gz", &images);
    put("t10k-labels-idx1-ubyte", &labels);
    struct opening opening = small_mnist(false);
    dies(open_set, &opening,
         "@/t10k-images-idx3-ubyte.gz: compressed, and this program was built without zlib; gunzip "
         "it first");
}
END_TEST
#endif

/* ---- CIFAR ---- */

START_TEST(cifar_reads_whole_records)
{
    struct content second = cifar(1, 3, 4), fourth = cifar(1, 2, 0);
    put("cifar-10-batches-bin/data_batch_4.bin", &fourth);
    put("cifar-10-batches-bin/data_batch_2.bin", &second);
    put("cifar-10-batches-bin/test_batch.bin", &fourth);
    struct lathe_data data = network(LATHE_CIFAR10, 3, 32, 32, 10);
    struct lathe_dataset *set = lathe_open_dataset(&data, root, true, 0);
    const int labels[] = {4, 5, 6, 0, 1};
    ck_assert_int_eq(set->count, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(set->labels[i], labels[i]);
        for (int c = 0; c < 3; c++)
            ck_assert_int_eq(set->images[i * 3072 + c * 1024 + 7 * i], labels[i] + c);
    }
    lathe_close_dataset(set);
    set = lathe_open_dataset(&data, root, false, 0);
    ck_assert_int_eq(set->count, 2);
    lathe_close_dataset(set);
}
END_TEST

/* Open DATA's set while stderr goes to a file; return what was printed. */
static const char *printed(const struct lathe_data *data, bool train, int count)
{
    static char text[1024];
    fflush(stderr);
    int kept = dup(2);
    FILE *file = fopen(place("stderr"), "w+");
    dup2(fileno(file), 2);
    struct lathe_dataset *set = lathe_open_dataset(data, root, train, 0);
    fflush(stderr);
    dup2(kept, 2);
    close(kept);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    ck_assert_int_eq(set->count, count);
    lathe_close_dataset(set);
    return text;
}

START_TEST(cifar_says_what_is_broken)
{
    struct opening opening = {network(LATHE_CIFAR10, 3, 32, 32, 10), root, true};
    dies(open_set, &opening,
         "cifar-10: no file data_batch_1.bin in @/cifar-10, @/cifar-10-batches-bin, @");
    struct content content = cifar(1, 2, 0);
    content.count += 17;
    put("data_batch_1.bin", &content);
    char expected[256];
    snprintf(expected, sizeof expected,
             "warning: %s/data_batch_1.bin: the last 17 bytes are no whole record of 3073, left "
             "out\n",
             root);
    ck_assert_str_eq(printed(&opening.data, true, 2), expected);
    content.count = 3072;
    put("data_batch_1.bin", &content);
    dies(open_set, &opening, "@/data_batch_1.bin: 3072 bytes, a record has 3073");
    content = cifar(1, 3, 8);
    put("data_batch_1.bin", &content);
    dies(open_set, &opening, "@/data_batch_1.bin: record 2: label is 10, expected 0 to 9");
    opening.data = network(LATHE_CIFAR100, 3, 32, 32, 100);
    opening.train = false;
    content = cifar(2, 3, 0);
    put("cifar-100/test.bin", &content);
    ck_assert_str_eq(printed(&opening.data, false, 3), "");
    content.bytes[3074 + 1] = 100;
    put("cifar-100/test.bin", &content);
    dies(open_set, &opening, "@/cifar-100/test.bin: record 1: label is 100, expected 0 to 99");
    content.bytes[3074] = 20;
    put("cifar-100/test.bin", &content);
    dies(open_set, &opening,
         "@/cifar-100/test.bin: record 1: coarse label is 20, expected 0 to 19");
}
END_TEST

/* ---- what the network takes ---- */

START_TEST(sizes_must_fit)
{
    put_small_mnist();
    struct opening opening = small_mnist(true);
    struct lathe_augmentation crop = {.kind = LATHE_CROP, .size = 4, .pad = 2};
    opening.data = network(LATHE_MNIST, 3, 32, 32, 10);
    dies(open_set, &opening, "mnist has images 1x3x2, the network takes 3x32x32");
    opening.data = network(LATHE_MNIST, 1, 3, 2, 5);
    dies(open_set, &opening, "mnist has 10 classes, the network tells 5 apart");
    opening.data = network(LATHE_MNIST, 1, 5, 5, 10);
    opening.data.augmentation = &crop;
    opening.data.augmentation_count = 1;
    dies(open_set, &opening, "mnist has images 1x3x2, cropped to 1x4x4, the network takes 1x5x5");
    crop.size = 7;
    dies(open_set, &opening, "mnist: crop of 7 does not fit images 3x2 padded by 2");
    crop.size = 4;
    crop.reflect = true;
    dies(open_set, &opening, "mnist: images 3x2 cannot be padded by 2 reflected pixels, 1 at most");
    opening.data = network(LATHE_XOR, 3, 1, 1, 2);
    dies(open_set, &opening, "xor has points of 2 numbers, the network takes 3x1x1");
}
END_TEST

/* ---- xor ---- */

START_TEST(xor_points_and_targets)
{
    struct lathe_data data = network(LATHE_XOR, 2, 1, 1, 0);
    float input[8], targets[8];
    int32_t labels[4];
    struct lathe_batch batch = {input, NULL, targets, 0};
    for (int train = 0; train < 2; train++) {
        struct lathe_dataset *set = lathe_open_dataset(&data, NULL, train, 0);
        ck_assert_int_eq(set->count, 4);
        ck_assert_ptr_null(set->images);
        data.classes = 0;
        batch.labels = NULL;
        lathe_fill_batch(&data, set, NULL, 0, 4, train, 1, 0, &batch);
        ck_assert_int_eq(batch.count, 4);
        for (int i = 0; i < 4; i++) {
            ck_assert(input[2 * i] == i / 2 && input[2 * i + 1] == i % 2);
            ck_assert(targets[i] == (i == 1 || i == 2));
        }
        data.classes = 2;
        batch.labels = labels;
        const uint32_t order[] = {9, 3, 2};
        lathe_fill_batch(&data, set, order, 1, 2, train, 1, 0, &batch);
        ck_assert(input[0] == 1 && input[1] == 1 && input[2] == 1 && input[3] == 0);
        ck_assert(labels[0] == 0 && labels[1] == 1);
        ck_assert(targets[0] == 1 && targets[1] == 0 && targets[2] == 0 && targets[3] == 1);
        lathe_close_dataset(set);
    }
}
END_TEST

/* ---- random numbers ---- */

/* Two known answers of Philox 4x32-10 (Random123's kat_vectors), and what the streams made of them
 * when a run could first be repeated: bits that may never change. */
START_TEST(streams_stay_what_they_are)
{
    static const uint32_t known[2][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}};
    static const uint32_t dropped[] = {0x79a36ffb, 0x484cc15a, 0x4520043a, 0xec2b099b,
                                       0xb8e5faf3, 0x90c162ca, 0x23ba25b2, 0x92292f63};
    struct lathe_random4 zeros = lathe_random(0, 0, 0, 0, 0);
    struct lathe_random4 ones =
        lathe_random(UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    ck_assert_mem_eq(zeros.v, known[0], sizeof zeros.v);
    ck_assert_mem_eq(ones.v, known[1], sizeof ones.v);
    for (uint32_t i = 0; i < 8; i++)
        ck_assert_uint_eq(lathe_dropout_bits(11, 7, 3, 5, i), dropped[i]);
    for (uint32_t step = 0; step < 32; step++)
        ck_assert_int_eq(lathe_kept(11, step, 2, lathe_threshold(0.25)),
                         "11001110110001001111011111011111"[step] == '1');
}
END_TEST

/* ---- shuffle ---- */

enum { SHUFFLED = 1003 };

START_TEST(shuffle_is_a_permutation)
{
    uint32_t order[SHUFFLED], again[SHUFFLED];
    for (int epoch = 0; epoch < 20; epoch++) {
        bool seen[SHUFFLED] = {false};
        memset(order, 0xff, sizeof order);
        lathe_shuffle(order, SHUFFLED - epoch, 5, epoch);
        for (int i = 0; i < SHUFFLED - epoch; i++) {
            ck_assert_uint_lt(order[i], SHUFFLED - epoch);
            ck_assert(!seen[order[i]]);
            seen[order[i]] = true;
        }
    }
    lathe_shuffle(order, SHUFFLED, 5, 3);
    lathe_shuffle(again, SHUFFLED, 5, 3);
    ck_assert_mem_eq(order, again, sizeof order);
    lathe_shuffle(again, SHUFFLED, 5, 4);
    ck_assert_mem_ne(order, again, sizeof order);
    lathe_shuffle(again, SHUFFLED, 6, 3);
    ck_assert_mem_ne(order, again, sizeof order);
    lathe_shuffle(order, 1, 5, 0);
    ck_assert_uint_eq(order[0], 0);
}
END_TEST

/* Each of the 24 orders of four comes up about as often as the others. */
START_TEST(shuffle_is_fair)
{
    int seen[256] = {0};
    const int trials = 24000;
    for (int epoch = 0; epoch < trials; epoch++) {
        uint32_t order[4];
        lathe_shuffle(order, 4, 77, epoch);
        seen[order[0] | order[1] << 2 | order[2] << 4 | order[3] << 6]++;
    }
    int orders = 0;
    for (int i = 0; i < 256; i++) {
        orders += seen[i] > 0;
        ck_assert_msg(seen[i] == 0 || abs(seen[i] - trials / 24) < 160, "order %x: %d", i, seen[i]);
    }
    ck_assert_int_eq(orders, 24);
}
END_TEST

/* ---- augmentation ---- */

enum { HEIGHT = 9, WIDTH = 11, IMAGES = 6, PADDED = 40 };

/* A set of noise whose normalised values are the bytes themselves. */
static struct lathe_dataset *noise_set(void)
{
    struct lathe_dataset *set = lathe_alloc(1, sizeof *set);
    *set = (struct lathe_dataset){.name = "noise",
                                  .count = IMAGES,
                                  .channels = 3,
                                  .height = HEIGHT,
                                  .width = WIDTH,
                                  .classes = 10};
    set->images = lathe_alloc(IMAGES * 3, HEIGHT * WIDTH);
    set->labels = lathe_alloc(IMAGES, sizeof *set->labels);
    for (uint32_t i = 0; i < IMAGES * 3 * HEIGHT * WIDTH; i++)
        set->images[i] = (uint8_t)lathe_random(9, LATHE_STREAM_TEST, 0, 0, i).v[0];
    for (int c = 0; c < 3; c++)
        for (int x = 0; x < 256; x++)
            set->normalised[c][x] = (float)x;
    return set;
}

/* Pixel I of a line of SIZE bounces between its ends, one pixel a step. */
static int bounce(int i, int size)
{
    int place = 0, step = i < 0 ? -1 : 1, direction = step;
    for (int walked = 0; walked != i; walked += step) {
        if (place + direction < 0 || place + direction >= size)
            direction = -direction;
        place += direction;
    }
    return place;
}

/* Image plane padded by PAD, pixel by pixel. */
static void pad_slowly(const uint8_t *plane, int pad, bool reflect, float padded[PADDED][PADDED])
{
    for (int y = -pad; y < HEIGHT + pad; y++)
        for (int x = -pad; x < WIDTH + pad; x++) {
            bool inside = y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH;
            float value = 0;
            if (inside || reflect)
                value = plane[bounce(y, HEIGHT) * WIDTH + bounce(x, WIDTH)];
            padded[y + pad][x + pad] = value;
        }
}

/* Is OUTPUT (SIZE x SIZE) the window of PADDED at TOP, LEFT, flipped or not? */
static bool is_window(const float *output, float padded[PADDED][PADDED], int size, int top,
                      int left, bool flipped)
{
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++)
            if (output[y * size + x] != padded[top + y][left + (flipped ? size - 1 - x : x)])
                return false;
    return true;
}

/* Which window of sample SAMPLE's padded image is INPUT? The three channels must agree. Returns the
 * window's number, (top * COLUMNS + left) * 2 + flipped; -1: none. */
static int find_window(const struct lathe_dataset *set, int sample, const float *input, int size,
                       int pad, bool reflect)
{
    static float padded[3][PADDED][PADDED];
    int rows = HEIGHT + 2 * pad - size + 1, columns = WIDTH + 2 * pad - size + 1;
    for (int c = 0; c < 3; c++)
        pad_slowly(set->images + (sample * 3 + c) * HEIGHT * WIDTH, pad, reflect, padded[c]);
    for (int window = 0; window < rows * columns * 2; window++) {
        bool same = true;
        for (int c = 0; c < 3 && same; c++)
            same = is_window(input + c * size * size, padded[c], size, window / 2 / columns,
                             window / 2 % columns, window % 2);
        if (same)
            return window;
    }
    return -1;
}

/* Every sample is a window of the slow reference, every window comes up, each about as often. */
static void check_crops(int size, int pad, bool reflect)
{
    enum { SEEDS = 3000 };
    const struct lathe_augmentation chain[] = {
        {.kind = LATHE_CROP, .size = size, .pad = pad, .reflect = reflect},
        {.kind = LATHE_HFLIP, .p = 0.5f}};
    struct lathe_data data = network(LATHE_CIFAR10, 3, size, size, 10);
    struct lathe_dataset *set = noise_set();
    int rows = HEIGHT + 2 * pad - size + 1, columns = WIDTH + 2 * pad - size + 1;
    int windows = rows * columns * 2, seen[2048] = {0};
    float *input = calloc((size_t)IMAGES * 3 * size * size, sizeof *input);
    struct lathe_batch batch = {.input = input};
    data.augmentation = chain;
    data.augmentation_count = 2;
    lathe_check_augmentation(&data, set);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        lathe_fill_batch(&data, set, NULL, 0, IMAGES, true, seed, 3, &batch);
        for (int i = 0; i < IMAGES; i++) {
            int window = find_window(set, i, input + i * 3 * size * size, size, pad, reflect);
            ck_assert_msg(window >= 0, "seed %d, sample %d: no window", (int)seed, i);
            seen[window]++;
        }
    }
    double mean = (double)SEEDS * IMAGES / windows;
    for (int i = 0; i < windows; i++)
        ck_assert_msg(fabs(seen[i] - mean) < 6 * sqrt(mean), "window %d: %d of %g", i, seen[i],
                      mean);
    lathe_fill_batch(&data, set, NULL, 0, 1, false, 1, 3, &batch); /* the test set: the middle */
    int middle = ((HEIGHT + 2 * pad - size) / 2 * columns + (WIDTH + 2 * pad - size) / 2) * 2;
    ck_assert_int_eq(find_window(set, 0, input, size, pad, reflect), middle);
    free(input);
    lathe_close_dataset(set);
}

START_TEST(crops_match_the_reference)
{
    check_crops(9, 3, true);
    check_crops(9, 3, false);
    check_crops(7, 0, false);
    check_crops(20, 8, true); /* as much as reflection allows, and larger than the image */
    check_crops(20, 8, false);
}
END_TEST

/* A chain is applied in its order: crop, flip, crop again. */
START_TEST(chains_keep_their_order)
{
    const struct lathe_augmentation chain[] = {
        {.kind = LATHE_CROP, .size = 12, .pad = 2, .reflect = true},
        {.kind = LATHE_HFLIP, .p = 1},
        {.kind = LATHE_CROP, .size = 12, .pad = 1}};
    struct lathe_data data = network(LATHE_CIFAR10, 3, 12, 12, 10);
    struct lathe_dataset *set = noise_set();
    static float input[3 * 12 * 12], first[3 * 12 * 12];
    struct lathe_batch batch = {.input = input}, halfway = {.input = first};
    data.augmentation = chain;
    for (uint64_t seed = 0; seed < 200; seed++) {
        data.augmentation_count = 2;
        lathe_fill_batch(&data, set, NULL, 2, 1, true, seed, 0, &halfway);
        ck_assert_int_eq(find_window(set, 2, first, 12, 2, true) % 2, 1);
        data.augmentation_count = 3;
        lathe_fill_batch(&data, set, NULL, 2, 1, true, seed, 0, &batch);
        int matches = 0;
        for (int dy = -1; dy <= 1; dy++)
            for (int dx = -1; dx <= 1; dx++) {
                bool same = true;
                for (int i = 0; i < 3 * 144; i++) {
                    int y = i / 12 % 12 + dy, x = i % 12 + dx;
                    bool inside = y >= 0 && y < 12 && x >= 0 && x < 12;
                    same &= input[i] == (inside ? first[i / 144 * 144 + y * 12 + x] : 0);
                }
                matches += same;
            }
        ck_assert_msg(matches == 1, "seed %d: %d matches", (int)seed, matches);
    }
    lathe_close_dataset(set);
}
END_TEST

START_TEST(hflip_has_its_probability)
{
    const struct lathe_augmentation flip = {.kind = LATHE_HFLIP, .p = 0.3f};
    struct lathe_data data = network(LATHE_CIFAR10, 3, HEIGHT, WIDTH, 10);
    struct lathe_dataset *set = noise_set();
    static float input[IMAGES * 3 * HEIGHT * WIDTH];
    struct lathe_batch batch = {.input = input};
    const int epochs = 4000, stride = 3 * HEIGHT * WIDTH;
    int flipped = 0;
    data.augmentation = &flip;
    data.augmentation_count = 1;
    for (int epoch = 0; epoch < epochs; epoch++) {
        lathe_fill_batch(&data, set, NULL, 0, IMAGES, true, 11, epoch, &batch);
        for (int i = 0; i < IMAGES; i++) {
            const uint8_t *line = set->images + i * stride;
            bool flip_here = input[i * stride] == line[WIDTH - 1];
            ck_assert(input[i * stride] == line[flip_here ? WIDTH - 1 : 0]);
            ck_assert(input[i * stride + 1] == line[flip_here ? WIDTH - 2 : 1]);
            flipped += flip_here;
        }
    }
    double trials = (double)epochs * IMAGES;
    ck_assert_double_lt(fabs(flipped - 0.3 * trials), 5 * sqrt(0.21 * trials));
    lathe_close_dataset(set);
}
END_TEST

/* The same sample gets the same change wherever it lies in the batch, whoever fills it. */
START_TEST(batches_do_not_depend_on_threads)
{
    enum { COUNT = 333, SIZE = 28 * 28 };
    const struct lathe_augmentation chain[] = {{.kind = LATHE_CROP, .size = 28, .pad = 4},
                                               {.kind = LATHE_HFLIP, .p = 0.5f}};
    struct lathe_data data = network(LATHE_DIGITS, 1, 28, 28, 10);
    data.augmentation = chain;
    data.augmentation_count = 2;
    data.mean[0] = 0.1307f;
    data.deviation[0] = 0.3081f;
    struct lathe_dataset *set = lathe_open_dataset(&data, NULL, true, 1000);
    uint32_t order[1000];
    lathe_shuffle(order, 1000, 1, 2);
    float *inputs[4], targets[COUNT * 10];
    int32_t labels[COUNT];
    for (int threads = 1; threads <= 3; threads++) {
        inputs[threads] = calloc(COUNT * SIZE, sizeof(float));
        struct lathe_batch batch = {inputs[threads], labels, targets, 0};
        omp_set_num_threads(threads);
        lathe_fill_batch(&data, set, order, 100, COUNT, true, 7, 2, &batch);
        ck_assert_mem_eq(inputs[threads], inputs[1], COUNT * SIZE * sizeof(float));
    }
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(labels[i], set->labels[order[100 + i]]);
        for (int k = 0; k < 10; k++)
            ck_assert(targets[i * 10 + k] == (k == labels[i]));
    }
    float alone[SIZE];
    struct lathe_batch batch = {.input = alone};
    lathe_fill_batch(&data, set, order, 117, 1, true, 7, 2, &batch);
    ck_assert_mem_eq(alone, inputs[1] + 17 * SIZE, sizeof alone);
    for (int threads = 1; threads <= 3; threads++)
        free(inputs[threads]);
    lathe_close_dataset(set);
}
END_TEST

START_TEST(normalisation_is_exact)
{
    const float means[] = {0, 0.4914f, 0.1307f}, deviations[] = {1, 0.2023f, 0.3081f};
    for (int i = 0; i < 3; i++) {
        float table[256];
        lathe_normalisation(means[i], deviations[i], table);
        for (int x = 0; x < 256; x++) {
            double exact = ((double)x / 255 - means[i]) / deviations[i];
            ck_assert(table[x] == ((float)x / 255.0f - means[i]) / deviations[i]);
            ck_assert_double_le(fabs(table[x] - exact), 5e-7);
        }
    }
}
END_TEST

/* ---- digits ---- */

/* Fowler, Noll and Vo's hash (1a, 64 bits). */
static uint64_t hash(const uint8_t *bytes, size_t count)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++)
        value = (value ^ bytes[i]) * 0x100000001b3u;
    return value;
}

START_TEST(digits_are_always_the_same)
{
    const uint64_t expected[] = {0xd878479c3b6dd321, 0xd8ffe17796421668};
    const int counts[] = {2000, 10000};
    struct lathe_data data = network(LATHE_DIGITS, 1, 28, 28, 10);
    for (int train = 0; train < 2; train++) {
        struct lathe_dataset *set = lathe_open_dataset(&data, NULL, train, 0);
        int seen[10] = {0};
        ck_assert_int_eq(set->count, counts[train]);
        for (int i = 0; i < set->count; i++)
            seen[set->labels[i]]++;
        for (int k = 0; k < 10; k++)
            ck_assert_int_eq(seen[k], counts[train] / 10);
        uint64_t value = hash(set->images, (size_t)set->count * 784);
        ck_assert_msg(value == expected[train], "train %d: 0x%llx", train,
                      (unsigned long long)value);
        lathe_close_dataset(set);
    }
}
END_TEST

/* No image of the test set is one of the training set: images differ, and so do labels' orders. */
START_TEST(digits_differ)
{
    struct lathe_data data = network(LATHE_DIGITS, 1, 28, 28, 10);
    struct lathe_dataset *train = lathe_open_dataset(&data, NULL, true, 0);
    struct lathe_dataset *test = lathe_open_dataset(&data, NULL, false, 7);
    ck_assert_int_eq(test->count, 7);
    for (int i = 0; i < train->count; i++)
        for (int k = 0; k < 7; k++)
            ck_assert_mem_ne(train->images + i * 784, test->images + k * 784, 784);
    int same = 0;
    for (int i = 0; i < 2000; i++)
        same += train->labels[i] == train->labels[(i + 10) % 2000];
    ck_assert_int_lt(same, 300); /* no fixed order inside a block of ten: 200 by chance */
    lathe_close_dataset(train);
    lathe_close_dataset(test);
}
END_TEST

/* ---- real files ---- */

static const char *real_data(void)
{
    const char *folder = getenv("LATHE_DATA");
    return folder ? folder : "../shared/data";
}

/* Is PATH below the real data? Says so where not. */
static bool have_real(const char *path)
{
    char *full = lathe_join(real_data(), path);
    bool there = access(full, R_OK) == 0;
    free(full);
#ifndef LATHE_ZLIB
    there = there && !strstr(path, ".gz");
#endif
    if (!there)
        printf("skipped: no data in %s\n", real_data());
    return there;
}

/* Facts read off the files by a few lines of Python. */
/* clang-format off */
static const struct real_set {
    enum lathe_source source;
    bool train;
    const char *file;
    int channels, side, classes, count;
    int32_t labels[10];
    uint64_t label_sum, sums[3];
} real_sets[] = {
    {LATHE_MNIST, true, "mnist/train-images-idx3-ubyte.gz", 1, 28, 10, 60000,
     {5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, 267236, {1567298545}},
    {LATHE_MNIST, false, "mnist/t10k-images-idx3-ubyte.gz", 1, 28, 10, 10000,
     {7, 2, 1, 0, 4, 1, 4, 9, 5, 9}, 44434, {264923200}},
    {LATHE_FASHION_MNIST, true, "fashion-mnist/train-images-idx3-ubyte.gz", 1, 28, 10, 60000,
     {9, 0, 0, 3, 0, 2, 7, 2, 5, 5}, 270000, {3431114169}},
    {LATHE_FASHION_MNIST, false, "fashion-mnist/t10k-images-idx3-ubyte.gz", 1, 28, 10, 10000,
     {9, 2, 1, 1, 6, 1, 4, 6, 5, 7}, 45000, {573469082}},
    {LATHE_CIFAR10, true, "cifar-10/data_batch_1.bin", 3, 32, 10, 10000,
     {6, 9, 9, 4, 1, 1, 2, 7, 8, 3}, 44983, {1288517123, 1262189222, 1167674233}},
    {LATHE_CIFAR10, false, "cifar-10/test_batch.bin", 3, 32, 10, 5000,
     {3, 8, 8, 0, 6, 6, 1, 6, 3, 1}, 22548, {649330103, 637338207, 592026376}},
    {LATHE_CIFAR100, true, "cifar-100/train.bin", 3, 32, 100, 25000,
     {19, 29, 0, 11, 1, 86, 90, 28, 23, 31}, 1239096, {3305404818, 3175817161, 2883935218}},
    {LATHE_CIFAR100, false, "cifar-100/test.bin", 3, 32, 100, 5000,
     {49, 33, 72, 51, 71, 92, 15, 14, 23, 0}, 244407, {664791378, 636090586, 576316987}},
};
/* clang-format on */

START_TEST(real_sets_are_read)
{
    const struct real_set *real = &real_sets[_i];
    struct lathe_data data =
        network(real->source, real->channels, real->side, real->side, real->classes);
    if (!have_real(real->file))
        return;
    struct lathe_dataset *set = lathe_open_dataset(&data, real_data(), real->train, 0);
    size_t plane = (size_t)real->side * real->side;
    uint64_t label_sum = 0, sums[3] = {0};
    ck_assert_int_eq(set->count, real->count);
    ck_assert_mem_eq(set->labels, real->labels, sizeof real->labels);
    for (int i = 0; i < set->count; i++)
        label_sum += (uint64_t)set->labels[i];
    for (size_t i = 0; i < set->count * real->channels * plane; i++)
        sums[i / plane % (size_t)real->channels] += set->images[i];
    ck_assert_uint_eq(label_sum, real->label_sum);
    for (int c = 0; c < real->channels; c++)
        ck_assert_uint_eq(sums[c], real->sums[c]);
    lathe_close_dataset(set);
}
END_TEST

/* ---- images ---- */

/* Read NAME under root into bytes: mean 0 and deviation 1 / 255 leave them as they are. */
static void read_bytes(const char *name, int channels, int height, int width, float *pixels)
{
    struct lathe_data data = network(LATHE_CIFAR10, channels, height, width, 10);
    for (int c = 0; c < 4; c++)
        data.deviation[c] = 1 / 255.0f;
    lathe_read_image(&data, place(name), pixels);
    for (int i = 0; i < channels * height * width; i++) {
        ck_assert_float_le(fabsf(pixels[i] - roundf(pixels[i])), 1e-3f);
        pixels[i] = roundf(pixels[i]);
    }
}

/* Are the COUNT numbers at PIXELS these? */
#define ASSERT_PIXELS(pixels, count, ...)                                                          \
    do {                                                                                           \
        const float wanted[] = __VA_ARGS__;                                                        \
        for (int place_ = 0; place_ < (count); place_++)                                           \
            ck_assert_msg((pixels)[place_] == wanted[place_], "pixel %d: %g, expected %g", place_, \
                          (double)(pixels)[place_], (double)wanted[place_]);                       \
    } while (0)

START_TEST(pnm_of_every_kind)
{
    float pixels[12];
    put_text("p2", "P2 # grey\n2 2\n# most\n15\n0 5\n10 15 ");
    read_bytes("p2", 1, 2, 2, pixels);
    ASSERT_PIXELS(pixels, 4, {0, 85, 170, 255});
    put_text("p3", "P3\n2 1 255 1 2 3\n4 5 6");
    read_bytes("p3", 3, 1, 2, pixels);
    ASSERT_PIXELS(pixels, 6, {1, 4, 2, 5, 3, 6});
    put_text("p5", "P5\n2 2\n255\nABCD");
    read_bytes("p5", 1, 2, 2, pixels);
    ASSERT_PIXELS(pixels, 4, {65, 66, 67, 68});
    read_bytes("p5", 3, 2, 2, pixels);
    ASSERT_PIXELS(pixels, 12, {65, 66, 67, 68, 65, 66, 67, 68, 65, 66, 67, 68});
    put_text("p6", "P6 1 2 255\nABC012");
    read_bytes("p6", 3, 2, 1, pixels);
    ASSERT_PIXELS(pixels, 6, {65, 48, 66, 49, 67, 50});
    put_text("wide", "P5 2 1 65535\nAAzz"); /* 16 bits a sample */
    read_bytes("wide", 1, 1, 2, pixels);
    ASSERT_PIXELS(pixels, 2, {65, 122});
    put_text("luma", "P3 3 1 255  255 0 0  0 255 0  0 0 255");
    read_bytes("luma", 1, 1, 3, pixels);
    ASSERT_PIXELS(pixels, 3, {76, 150, 29}); /* 76.245 149.685 29.07 */
}
END_TEST

START_TEST(images_are_scaled_and_cropped)
{
    float pixels[64];
    struct content content = {0};
    put_text("row", "P2 6 2 255  0 0 100 100 200 200  0 0 100 100 200 200");
    read_bytes("row", 1, 2, 2, pixels); /* the middle third */
    ASSERT_PIXELS(pixels, 4, {100, 100, 100, 100});
    put_text("column", "P2 1 3 255  10 20 30");
    read_bytes("column", 1, 1, 1, pixels);
    ASSERT_PIXELS(pixels, 1, {20});
    put_text("pair", "P2 2 2 255  0 100 0 100");
    read_bytes("pair", 1, 4, 4, pixels); /* linear between the pixels' centres */
    ASSERT_PIXELS(pixels, 8, {0, 25, 75, 100, 0, 25, 75, 100});
    add(&content, "P5 64 64 255\n", 13);
    for (int i = 0; i < 64 * 64; i++)
        add_byte(&content, i % 64 * 4);
    put("ramp", &content);
    read_bytes("ramp", 1, 8, 8, pixels); /* means of eight columns, but for the cut-off ends */
    for (int i = 0; i < 64; i++)
        if (i % 8 != 0 && i % 8 != 7)
            ck_assert_float_le(fabsf(pixels[i] - (14 + 32 * (i % 8))), 0.5f);
    content.count = 13;
    for (int i = 0; i < 64 * 64; i++)
        add_byte(&content, (i + i / 64) % 2 * 255); /* a chess board must not alias */
    put("board", &content);
    read_bytes("board", 1, 5, 5, pixels);
    for (int i = 0; i < 25; i++)
        ck_assert_float_le(fabsf(pixels[i] - 127.5f), 4);
    put_text("one", "P2 1 1 255 77");
    read_bytes("one", 1, 8, 8, pixels);
    for (int i = 0; i < 64; i++)
        ck_assert(pixels[i] == 77);
}
END_TEST

START_TEST(broken_pnm)
{
    struct opening opening = {network(LATHE_CIFAR10, 3, 2, 2, 10), place("image"), true};
    dies(open_image, &opening, "@/image: cannot read: No such file or directory");
    put_text("image", "P6 2 2 255\n12345678901");
    dies(open_image, &opening, "@/image: truncated: 2x2 pixels need 12 bytes, 11 are there");
    put_text("image", "P5 2 2 255");
    dies(open_image, &opening, "@/image: truncated: 2x2 pixels need 4 bytes, 0 are there");
    put_text("image", "P2 2 2 7 1 2 3 8");
    dies(open_image, &opening, "@/image: damaged image: sample 3 is not 0 to 7");
    put_text("image", "P2 2 2 7 1 2 3  ");
    dies(open_image, &opening, "@/image: damaged image: sample 3 is not 0 to 7");
    put_text("image", "P2 2 2 x");
    dies(open_image, &opening, "@/image: damaged image: no width, height and maximum (1 to 65535)");
    put_text("image", "P2 99999999999999 2 1 0");
    dies(open_image, &opening,
         "@/image: image of 1000000000x2 pixels, at most 32768 a side and 134217728 in all are "
         "read");
    put_text("image", "P5 0 2 1 0");
    dies(open_image, &opening,
         "@/image: image of 0x2 pixels, at most 32768 a side and 134217728 in all are read");
    put_text("image", "P5 32000 32000 1 0");
    dies(open_image, &opening,
         "@/image: image of 32000x32000 pixels, at most 32768 a side and 134217728 in all are "
         "read");
    opening.data.channels = 2;
    dies(open_image, &opening, "@/image: the network takes 2 channels, an image has 1 or 3");
    opening = (struct opening){network(LATHE_CIFAR10, 3, 2, 2, 10), root, true};
    dies(open_image, &opening, "@: cannot read: not a plain file");
}
END_TEST

#if __has_include("stb_image.h")

#ifdef LATHE_ZLIB
static void add_chunk(struct content *png, const char *kind, const uint8_t *bytes, uint32_t count)
{
    size_t from = png->count + 4;
    add_big_endian(png, count);
    add(png, kind, 4);
    add(png, bytes, count);
    add_big_endian(png, (uint32_t)crc32(0, png->bytes + from, count + 4));
}

/* A PNG of WIDTH x HEIGHT, KIND 0: grey, 2: RGB, 6: RGB and alpha; LINES: its unfiltered lines,
 * each behind a 0. */
static struct content png_of(int width, int height, int kind, const uint8_t *lines, size_t count)
{
    struct content png = {0};
    uint8_t packed[1024],
        header[13] = {0, 0, 0, (uint8_t)width, 0, 0, 0, (uint8_t)height, 8, (uint8_t)kind};
    uLongf packed_count = sizeof packed;
    ck_assert_int_eq(compress(packed, &packed_count, lines, count), Z_OK);
    add(&png, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&png, "IHDR", header, 13);
    add_chunk(&png, "IDAT", packed, (uint32_t)packed_count);
    add_chunk(&png, "IEND", packed, 0);
    return png;
}

START_TEST(png_good_and_broken)
{
    const uint8_t grey[] = {0, 1, 2, 0, 3, 255}, colour[] = {0, 1, 2, 3, 4, 5, 6};
    const uint8_t alpha[] = {0, 10, 20, 30, 0, 40, 50, 60, 255};
    float pixels[12];
    struct content png = png_of(2, 2, 0, grey, sizeof grey);
    put("grey.png", &png);
    read_bytes("grey.png", 1, 2, 2, pixels);
    ASSERT_PIXELS(pixels, 4, {1, 2, 3, 255});
    png = png_of(2, 1, 6, alpha, sizeof alpha);
    put("alpha.png", &png);
    read_bytes("alpha.png", 3, 1, 2, pixels);
    ASSERT_PIXELS(pixels, 6, {10, 40, 20, 50, 30, 60});
    png = png_of(2, 1, 2, colour, sizeof colour);
    put("colour", &png); /* the name does not matter */
    read_bytes("colour", 3, 1, 2, pixels);
    ASSERT_PIXELS(pixels, 6, {1, 4, 2, 5, 3, 6});
    struct opening opening = {network(LATHE_CIFAR10, 3, 1, 2, 10), place("colour"), true};
    png.count -= 20;
    put("colour", &png);
    dies(open_image, &opening, "@/colour: damaged image: its end is missing");
    png.bytes[16] = 1; /* 16777218 x 1 */
    put("colour", &png);
    dies(open_image, &opening, "@/colour: not an image that can be read (PNG, JPEG, BMP, PNM)");
}
END_TEST
#endif

START_TEST(bmp_is_read)
{
    /* 2 x 1, 24 bits, lines of four bytes: header of 14, of 40, then BGR BGR and padding */
    const uint8_t bmp[] = {'B', 'M', 62, 0, 0, 0, 0, 0,  0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0,
                           0,   1,   0,  0, 0, 1, 0, 24, 0, 0, 0,  0, 0, 8, 0,  0, 0, 0, 0, 0, 0,
                           0,   0,   0,  0, 0, 0, 0, 0,  0, 0, 0,  0, 3, 2, 1,  6, 5, 4, 0, 0};
    struct content content = {0};
    float pixels[6];
    add(&content, bmp, sizeof bmp);
    put("b.bmp", &content);
    read_bytes("b.bmp", 3, 1, 2, pixels);
    ASSERT_PIXELS(pixels, 6, {1, 4, 2, 5, 3, 6});
}
END_TEST

START_TEST(other_files_are_no_images)
{
    struct opening opening = {network(LATHE_CIFAR10, 3, 2, 2, 10), place("image"), true};
    put_text("image", "");
    dies(open_image, &opening, "@/image: not an image that can be read (PNG, JPEG, BMP, PNM)");
    put_text("image", "GIF89a....");
    dies(open_image, &opening, "@/image: not an image that can be read (PNG, JPEG, BMP, PNM)");
    put_text("image", "P4 1 1 ");
    dies(open_image, &opening, "@/image: not an image that can be read (PNG, JPEG, BMP, PNM)");
}
END_TEST

/* Photographs: means of all pixels (by Python, of the PNGs' square middle) survive the shrinking.
 */
START_TEST(real_images_are_read)
{
    static const struct {
        const char *file;
        double means[3]; /* negative: not known */
    } images[] = {{"images/astronaut.png", {141.56, 105.76, 96.48}},
                  {"images/coffee.png", {153.26, 77.81, 46.60}},
                  {"images/chelsea.png", {148.25, 108.89, 79.70}},
                  {"images/rocket.jpg", {-1, -1, -1}}};
    if (!have_real(images[_i].file))
        return;
    struct lathe_data data = network(LATHE_CIFAR10, 3, 32, 32, 10);
    char *path = lathe_join(real_data(), images[_i].file);
    float pixels[3 * 1024];
    lathe_read_image(&data, path, pixels);
    for (int c = 0; c < 3; c++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < 1024; i++) {
            double x = 255.0 * pixels[c * 1024 + i];
            ck_assert(x >= 0 && x <= 255.001);
            sum += x;
            squares += x * x;
        }
        double mean = sum / 1024;
        ck_assert_double_gt(squares / 1024 - mean * mean, 100); /* something is to be seen */
        if (images[_i].means[c] >= 0)
            ck_assert_double_le(fabs(mean - images[_i].means[c]), 1);
    }
    free(path);
}
END_TEST
#endif

/* ---- the suite ---- */

static TCase *files_case(void)
{
    TCase *files = tcase_create("files");
    tcase_set_timeout(files, 60);
    tcase_add_checked_fixture(files, make_root, remove_root);
    tcase_add_test(files, idx_reads_every_name_and_folder);
    tcase_add_test(files, idx_keeps_subset_and_limit);
    tcase_add_test(files, idx_names_what_is_missing);
    tcase_add_test(files, idx_says_what_is_broken);
    tcase_add_test(files, idx_compressed);
#ifdef LATHE_ZLIB
    tcase_add_test(files, idx_compressed_says_what_is_broken);
#endif
    tcase_add_test(files, cifar_reads_whole_records);
    tcase_add_test(files, cifar_says_what_is_broken);
    tcase_add_test(files, sizes_must_fit);
    tcase_add_loop_test(files, real_sets_are_read, 0, sizeof real_sets / sizeof *real_sets);
    return files;
}

static TCase *batches_case(void)
{
    TCase *batches = tcase_create("batches");
    tcase_set_timeout(batches, 60);
    tcase_add_test(batches, xor_points_and_targets);
    tcase_add_test(batches, streams_stay_what_they_are);
    tcase_add_test(batches, shuffle_is_a_permutation);
    tcase_add_test(batches, shuffle_is_fair);
    tcase_add_test(batches, crops_match_the_reference);
    tcase_add_test(batches, chains_keep_their_order);
    tcase_add_test(batches, hflip_has_its_probability);
    tcase_add_test(batches, batches_do_not_depend_on_threads);
    tcase_add_test(batches, normalisation_is_exact);
    tcase_add_test(batches, digits_are_always_the_same);
    tcase_add_test(batches, digits_differ);
    return batches;
}

static TCase *images_case(void)
{
    TCase *images = tcase_create("images");
    tcase_add_checked_fixture(images, make_root, remove_root);
    tcase_add_test(images, pnm_of_every_kind);
    tcase_add_test(images, images_are_scaled_and_cropped);
    tcase_add_test(images, broken_pnm);
#if __has_include("stb_image.h")
#ifdef LATHE_ZLIB
    tcase_add_test(images, png_good_and_broken);
#endif
    tcase_add_test(images, bmp_is_read);
    tcase_add_test(images, other_files_are_no_images);
    tcase_add_loop_test(images, real_images_are_read, 0, 4);
#endif
    return images;
}

Suite *data_suite(void)
{
    Suite *suite = suite_create("data");
    suite_add_tcase(suite, files_case());
    suite_add_tcase(suite, batches_case());
    suite_add_tcase(suite, images_case());
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(data_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
