/*
 * One image file, made into what the network takes: PNM read here; PNG, JPEG and BMP by Sean
 * Barrett's stb_image.h where the compiler finds one, as beside this file.
 *
 *     file --decode--> pixels --to_channels, resize--> height x width bytes --augment.c--> floats
 */
#include "data.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "resample.h"

#if __has_include("stb_image.h")
#define HAVE_STB
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS                32768
#define STBI_MALLOC(size)                  stb_resize(NULL, size)
#define STBI_REALLOC_SIZED(old, had, size) stb_resize(old, size)
#define STBI_FREE(memory)                  free(memory)
/* What one piece of stb_image's memory may be, so that a PNG inflates no further than its header's
 * pixels need. It begins as zeros: 2.27 reads a JPEG's tables of codes whether they were there or
 * not. */
static _Thread_local size_t stb_most;
static _Thread_local bool stb_exceeded;
static void *stb_resize(void *old, size_t size)
{
    stb_exceeded |= size > stb_most;
    return size > stb_most ? NULL : old ? realloc(old, size) : calloc(1, size);
}
/* Until the end of the file: gcc only looks for unused functions there. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#ifdef __clang__ /* sums of colours may wrap around: they are cut to a byte in the end */
#pragma clang attribute push(__attribute__((no_sanitize("signed-integer-overflow", "shift"))),     \
                             apply_to = function)
#endif
#include "stb_image.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#pragma GCC diagnostic pop
#endif

enum {
    SIDE_MAX = 32768,
    PIXELS_MAX = 1 << 27, /* 134 million, of a decoded image */
    FILE_MAX = 1 << 29    /* bytes */
};

/* A whole file; reading goes on at PLACE. */
struct file {
    const char *path;
    struct lathe_error *error; /* told what is wrong with it */
    uint8_t *bytes;
    size_t count, place;
};

/* COMPONENTS bytes a pixel: grey, grey and alpha, RGB, RGB and alpha. */
struct image {
    int height, width, components;
    uint8_t *bytes;
};

static bool read_whole(const char *path, struct file *file, struct lathe_error *error)
{
    struct lathe_input input;
    bool done = false;
    *file = (struct file){.path = path, .error = error};
    if (!lathe_input_open(&input, path, error))
        return false;
    if (input.size > FILE_MAX) {
        lathe_fail(error, LATHE_USER, "%s: %llu bytes, at most %d are read", path,
                   (unsigned long long)input.size, FILE_MAX);
    } else {
        file->count = (size_t)input.size;
        file->bytes = lathe_alloc(file->count + 1, 1);
        done = lathe_input_read(&input, file->bytes, file->count, error);
        if (!done)
            free(file->bytes);
    }
    lathe_input_close(&input);
    return done;
}

static bool check_sides(const struct file *file, int height, int width)
{
    if (height >= 1 && width >= 1 && height <= SIDE_MAX && width <= SIDE_MAX &&
        (int64_t)height * width <= PIXELS_MAX)
        return true;
    return lathe_fail(file->error, LATHE_USER,
                      "%s: image of %dx%d pixels, at most %d a side and %d in all are read",
                      file->path, width, height, SIDE_MAX, PIXELS_MAX);
}

/* ---- PNM ---- */

/* The next decimal number of FILE, behind white space and comments; -1 where there is none. At most
 * 1,000,000,000 is told apart. */
static int next_number(struct file *file)
{
    const uint8_t *bytes = file->bytes; /* a zero follows the last byte */
    while (isspace(bytes[file->place]) || bytes[file->place] == '#') {
        if (bytes[file->place] == '#')
            while (file->place < file->count && bytes[file->place] != '\n')
                file->place++;
        else
            file->place++;
    }
    if (!isdigit(bytes[file->place]))
        return -1;
    int number = 0;
    for (; isdigit(bytes[file->place]); file->place++)
        number = number < 100000000 ? number * 10 + (bytes[file->place] - '0') : 1000000000;
    return number;
}

/* The next sample of FILE, written as decimals or as one or two bytes; -1 where there is none. */
static int next_sample(struct file *file, bool plain, bool wide)
{
    if (plain)
        return next_number(file);
    int sample = file->bytes[file->place++];
    return wide ? sample << 8 | file->bytes[file->place++] : sample;
}

/* The samples of FILE, whose header is read, into IMAGE's bytes. MOST: what white is. */
static bool read_samples(struct file *file, bool plain, int most, size_t samples,
                         struct image *image)
{
    image->bytes = lathe_alloc(samples, 1);
    for (size_t i = 0; i < samples; i++) {
        int sample = next_sample(file, plain, most > 255);
        if (sample < 0 || sample > most)
            return lathe_fail(file->error, LATHE_USER,
                              "%s: damaged image: sample %zu is not 0 to %d", file->path, i, most);
        image->bytes[i] = (uint8_t)((sample * 255 + most / 2) / most);
    }
    return true;
}

/* Decode FILE, a "P2", "P3", "P5" or "P6". */
static bool decode_pnm(struct file *file, struct image *image)
{
    bool plain = file->bytes[1] == '2' || file->bytes[1] == '3';
    image->components = file->bytes[1] == '2' || file->bytes[1] == '5' ? 1 : 3;
    file->place = 2;
    image->width = next_number(file);
    image->height = next_number(file);
    int most = next_number(file);
    if (image->width < 0 || image->height < 0 || most < 1 || most > 65535)
        return lathe_fail(file->error, LATHE_USER,
                          "%s: damaged image: no width, height and maximum (1 to 65535)",
                          file->path);
    if (!check_sides(file, image->height, image->width))
        return false;
    size_t samples = (size_t)image->height * image->width * image->components;
    file->place += !plain; /* one white space before the bytes */
    size_t needed = plain ? 2 * samples - 1 : samples * (most > 255 ? 2 : 1);
    if (file->place + needed > file->count)
        return lathe_fail(file->error, LATHE_USER,
                          "%s: truncated: %dx%d pixels need %zu bytes, %zu are there", file->path,
                          image->width, image->height, needed,
                          file->count > file->place ? file->count - file->place : 0);
    return read_samples(file, plain, most, samples, image);
}

/* ---- PNG and JPEG: what stb_image does not look at ---- */

#ifdef HAVE_STB
static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The checksum that PNG has (ISO 3309), four bits at a time. */
static uint32_t checksum(const uint8_t *bytes, size_t count)
{
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                       0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                       0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t value = ~0u;
    for (size_t i = 0; i < count; i++) {
        value = table[(value ^ bytes[i]) & 15] ^ value >> 4;
        value = table[(value ^ bytes[i] >> 4) & 15] ^ value >> 4;
    }
    return ~value;
}

/* Are all chunks of a PNG whole, down to IEND? */
static bool check_png(const struct file *file)
{
    enum { SIGNATURE = 8, AROUND = 12 }; /* a chunk: length, kind, content, checksum */
    for (size_t place = SIGNATURE; file->count - place >= AROUND;) {
        const uint8_t *chunk = file->bytes + place;
        size_t length = big_endian(chunk);
        if (length > file->count - place - AROUND)
            break;
        if (checksum(chunk + 4, length + 4) != big_endian(chunk + 8 + length))
            return lathe_fail(file->error, LATHE_USER,
                              "%s: damaged image: wrong checksum in the part at byte %zu",
                              file->path, place);
        if (!memcmp(chunk + 4, "IEND", 4))
            return true;
        place += length + AROUND;
    }
    return lathe_fail(file->error, LATHE_USER, "%s: damaged image: its end is missing", file->path);
}

/* Does a mark of the end follow the last scan of a JPEG? Inside a scan a byte FF is followed by 00
 * or by the number of a restart. */
static bool check_jpeg(const struct file *file)
{
    for (size_t i = file->count; i >= 2; i--) {
        if (file->bytes[i - 2] != 0xff)
            continue;
        if (file->bytes[i - 1] == 0xd9)
            return true;
        if (file->bytes[i - 1] == 0xda)
            break;
    }
    return lathe_fail(file->error, LATHE_USER, "%s: damaged image: its end is missing", file->path);
}

/* Do the tables of codes at BYTES, a JPEG's segment of LENGTH, list 256 codes each at most? (2.27
 * of stb_image writes more of them past its own.) Behind END there are zeros. */
static bool codes_fit(const uint8_t *bytes, int length, const uint8_t *end)
{
    enum { HEAD = 17, MOST = 256 };
    while (length > 0 && bytes < end) {
        int codes = 0;
        for (int i = 1; i < HEAD && i < end - bytes; i++)
            codes += bytes[i];
        if (codes > MOST)
            return false;
        length -= HEAD + codes;
        bytes += HEAD + codes < end - bytes ? HEAD + codes : end - bytes;
    }
    return true;
}

/* Look at all segments of a JPEG; what stands between them is a scan's data. */
static bool check_codes(const struct file *file)
{
    enum { CODES = 0xc4, END = 0xd9 };
    const uint8_t *end = file->bytes + file->count;
    for (const uint8_t *at = file->bytes + 2; at < end;) {
        if (*at++ != 0xff)
            continue;
        while (at < end && *at == 0xff)
            at++;
        int marker = at < end ? *at++ : END;
        if (marker == END)
            break;
        if (marker <= 1 || (marker >= 0xd0 && marker < END) || end - at < 2)
            continue;
        int length = at[0] << 8 | at[1];
        if (marker == CODES && !codes_fit(at + 2, length - 2, end))
            return lathe_fail(file->error, LATHE_USER,
                              "%s: damaged image: more than 256 codes in a table", file->path);
        length = length < 2 ? 2 : length;
        at += length < end - at ? length : end - at;
    }
    return true;
}

enum kind { PNG, JPEG, BMP };

/* What FILE is, if stb_image reads it at all. */
static enum kind kind_of(const struct file *file)
{
    return file->bytes[0] == 0x89 ? PNG : file->bytes[0] == 0xff ? JPEG : BMP;
}

static bool check_parts(const struct file *file, enum kind kind)
{
    return kind == PNG ? check_png(file) : kind == JPEG ? check_jpeg(file) : true;
}

static uint32_t little_endian(const uint8_t *bytes, int count)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 |
           (count == 4 ? (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24 : 0);
}

/* The fewest bytes that a file with this header can have. PNG: deflate's best is 1032 to 1, of
 * lines with a byte before them. JPEG: a block of 8 x 8 takes a bit of the first scan at least.
 * BMP: the lines as they are. */
static uint64_t least_size(const struct file *file, enum kind kind, const struct image *image)
{
    enum { OFFSET = 10, SIZE = 14, SMALL = 12 };
    static const uint8_t samples[8] = {1, 1, 3, 1, 2, 1, 4, 1}; /* of PNG's kinds of colour */
    uint64_t pixels = (uint64_t)image->height * (unsigned)image->width;
    const uint8_t *bytes = file->bytes; /* long enough: the header was read */
    if (kind == JPEG)
        return pixels / 512;
    if (kind == PNG) {
        bool first = !memcmp(bytes + 12, "IHDR", 4);
        return pixels * (first ? bytes[24] * samples[bytes[25] & 7] : 1) / 8 / 1032;
    }
    unsigned bits = little_endian(bytes + (little_endian(bytes + SIZE, 4) == SMALL ? 24 : 28), 2);
    return little_endian(bytes + OFFSET, 4) +
           ((uint64_t)(unsigned)image->width * bits + 7) / 8 * (unsigned)image->height;
}

/* Is FILE, whose header IMAGE has, long enough and whole? */
static bool check_file(const struct file *file, const struct image *image)
{
    enum kind kind = kind_of(file);
    uint64_t least = least_size(file, kind, image);
    if (least > file->count)
        return lathe_fail(file->error, LATHE_USER,
                          "%s: truncated: %dx%d pixels need %llu bytes at least, %zu are there",
                          file->path, image->width, image->height, (unsigned long long)least,
                          file->count);
    return check_parts(file, kind);
}

/* Decode FILE, a PNG, JPEG or BMP. */
static bool decode_stb(const struct file *file, struct image *image)
{
    enum {
        HEADER_MEMORY = 1 << 20,
        PIXEL = 16 /* bytes: 4 x 16 bits, and twice that */,
        EDGE = 64
    };
    int count = (int)file->count;
    stb_most = HEADER_MEMORY;
    if (kind_of(file) == JPEG && !check_codes(file))
        return false;
    if (!stbi_info_from_memory(file->bytes, count, &image->width, &image->height,
                               &image->components))
        return lathe_fail(file->error, LATHE_USER,
                          "%s: not an image that can be read (PNG, JPEG, BMP, PNM)", file->path);
    if (!check_sides(file, image->height, image->width) || !check_file(file, image))
        return false;
    stb_most = (size_t)(image->height + EDGE) * (size_t)(image->width + EDGE) * PIXEL;
    stb_most += 2 * file->count;
    stb_exceeded = false;
    image->bytes = stbi_load_from_memory(file->bytes, count, &image->width, &image->height,
                                         &image->components, 0);
    return image->bytes ||
           lathe_fail(file->error, LATHE_USER, "%s: damaged image: %s", file->path,
                      stb_exceeded ? "it holds more than its pixels" : stbi_failure_reason());
}
#endif

/* ---- any kind ---- */

/* Decode FILE; the image's bytes are freed by free(), on failure too. */
static bool decode(struct file *file, struct image *image)
{
    if (file->count > 2 && file->bytes[0] == 'P' && strchr("2356", file->bytes[1]))
        return decode_pnm(file, image);
#ifdef HAVE_STB
    return decode_stb(file, image);
#else
    return lathe_fail(file->error, LATHE_USER,
                      "%s: not a PNM image, and this program was built without stb_image.h",
                      file->path);
#endif
}

/* Make line Y of IMAGE into CHANNELS (1 or 3) planes of image->width floats; alpha is left out. */
static void to_channels(const struct image *image, int y, int channels, float *line)
{
    int width = image->width, components = image->components;
    const uint8_t *pixel = image->bytes + (size_t)y * width * components;
    bool colour = components >= 3;
    for (int x = 0; x < width; x++, pixel += components) {
        float red = pixel[0], green = pixel[colour ? 1 : 0], blue = pixel[colour ? 2 : 0];
        if (channels == 3) {
            line[x] = red;
            line[width + x] = green;
            line[2 * width + x] = blue;
        } else {
            line[x] = colour ? 0.299f * red + 0.587f * green + 0.114f * blue : red;
        }
    }
}

/* Scale IMAGE until it just covers HEIGHT x WIDTH and cut out the middle: CHANNELS planes of BYTES.
 * First along the lines, of those that the middle is made of, then along the columns. */
static void resize(const struct image *image, int channels, int height, int width, uint8_t *bytes)
{
    double scale = fmin((double)image->height / height, (double)image->width / width);
    struct lathe_filter across = lathe_filter_new(image->width, width, scale);
    struct lathe_filter down = lathe_filter_new(image->height, height, scale);
    int top = down.first[0], lines = down.first[height - 1] + down.taps - top;
    size_t plane = (size_t)lines * width, area = (size_t)height * width;
    float *line = lathe_alloc((size_t)image->width * channels, sizeof *line);
    float *narrow = lathe_alloc(plane * channels, sizeof *narrow);
    float *pixels = lathe_alloc(area, sizeof *pixels);
    for (int y = 0; y < height; y++)
        down.first[y] -= top;
    for (int y = 0; y < lines; y++) {
        to_channels(image, top + y, channels, line);
        for (int c = 0; c < channels; c++)
            lathe_filter_line(&across, line + (size_t)c * image->width, width,
                              narrow + c * plane + (size_t)y * width);
    }
    for (int c = 0; c < channels; c++) {
        lathe_filter_lines(&down, narrow + c * plane, width, height, pixels);
        for (size_t i = 0; i < area; i++)
            bytes[c * area + i] = (uint8_t)fminf(255, fmaxf(0, pixels[i] + 0.5f));
    }
    free(line);
    free(narrow);
    free(pixels);
    lathe_filter_free(&across);
    lathe_filter_free(&down);
}

bool lathe_decode_image(const char *path, int channels, int height, int width, uint8_t *bytes,
                        struct lathe_error *error)
{
    struct file file;
    struct image image = {0};
    if (channels != 1 && channels != 3)
        return lathe_fail(error, LATHE_USER,
                          "%s: the network takes %d channels, an image has 1 or 3", path, channels);
    if (!read_whole(path, &file, error))
        return false;
    bool done = decode(&file, &image);
    if (done)
        resize(&image, channels, height, width, bytes);
    free(file.bytes);
    free(image.bytes);
    return done;
}

void lathe_read_image(const struct lathe_data *data, const char *path, float *pixels)
{
    struct lathe_error error;
    struct lathe_dataset one = {.name = "image", .count = 1, .channels = data->channels};
    one.height = data->load_height ? data->load_height : data->height;
    one.width = data->load_width ? data->load_width : data->width;
    one.images = lathe_alloc((size_t)one.channels * one.height, (size_t)one.width);
    if (!lathe_decode_image(path, one.channels, one.height, one.width, one.images, &error)) {
        free(one.images);
        lathe_die(error.status, "%s", error.message);
    }
    lathe_normalise(&one, data->mean, data->deviation);
    lathe_fill_batch(data, &one, NULL, 0, 1, false, 0, 0, &(struct lathe_batch){.input = pixels});
    free(one.images);
    free(one.mean);
    free(one.deviation);
}
