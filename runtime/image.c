/*
 * One image file, made into what the network takes: PNM read here; PNG, JPEG and BMP by Sean
 * Barrett's stb_image.h where the compiler finds one, as beside this file.
 *
 *     file --decode--> bytes --to_channels, widen, shrink--> height x width --> normalised
 */
#include "data.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
#define STBI_MAX_DIMENSIONS 32768
/* Until the end of the file: gcc only looks for unused functions there. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "stb_image.h"
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
    uint8_t *bytes;
    size_t count, place;
};

/* COMPONENTS bytes a pixel: grey, grey and alpha, RGB, RGB and alpha. */
struct image {
    int height, width, components;
    uint8_t *bytes;
};

/* How each place i of a resized line reads the line before: TAPS neighbours from FIRST[i] on, with
 * the weights WEIGHTS[i * TAPS], ... */
struct filter {
    int taps;
    int *first;
    float *weights;
};

static struct file read_whole(const char *path)
{
    struct file file = {.path = path};
    struct stat status;
    FILE *stream = fopen(path, "rb");
    if (!stream || fstat(fileno(stream), &status) != 0)
        lathe_die(LATHE_USER, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        lathe_die(LATHE_USER, "%s: not a file", path);
    if (status.st_size > FILE_MAX)
        lathe_die(LATHE_USER, "%s: %lld bytes, at most %d are read", path,
                  (long long)status.st_size, FILE_MAX);
    file.count = (size_t)status.st_size;
    file.bytes = lathe_alloc(file.count + 1, 1);
    if (fread(file.bytes, 1, file.count, stream) != file.count)
        lathe_die(LATHE_USER, "%s: cannot be read", path);
    fclose(stream);
    return file;
}

static void check_sides(const char *path, int height, int width)
{
    if (height < 1 || width < 1 || height > SIDE_MAX || width > SIDE_MAX ||
        (int64_t)height * width > PIXELS_MAX)
        lathe_die(LATHE_USER, "%s: image of %dx%d pixels, at most %d a side and %d in all are read",
                  path, width, height, SIDE_MAX, PIXELS_MAX);
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

/* Decode FILE, a "P2", "P3", "P5" or "P6". */
static struct image decode_pnm(struct file *file)
{
    bool plain = file->bytes[1] == '2' || file->bytes[1] == '3';
    struct image image = {.components = file->bytes[1] == '2' || file->bytes[1] == '5' ? 1 : 3};
    file->place = 2;
    image.width = next_number(file);
    image.height = next_number(file);
    int most = next_number(file);
    if (image.width < 0 || image.height < 0 || most < 1 || most > 65535)
        lathe_die(LATHE_USER, "%s: damaged image: no width, height and maximum (1 to 65535)",
                  file->path);
    check_sides(file->path, image.height, image.width);
    bool wide = most > 255;
    size_t samples = (size_t)image.height * image.width * image.components;
    file->place += !plain; /* one white space before the bytes */
    size_t needed = plain ? 2 * samples - 1 : samples * (wide ? 2 : 1);
    if (file->place + needed > file->count)
        lathe_die(LATHE_USER, "%s: truncated: %dx%d pixels need %zu bytes, %zu are there",
                  file->path, image.width, image.height, needed,
                  file->count > file->place ? file->count - file->place : 0);
    image.bytes = lathe_alloc(samples, 1);
    for (size_t i = 0; i < samples; i++) {
        int sample = next_sample(file, plain, wide);
        if (sample < 0 || sample > most)
            lathe_die(LATHE_USER, "%s: damaged image: sample %zu is not 0 to %d", file->path, i,
                      most);
        image.bytes[i] = (uint8_t)((sample * 255 + most / 2) / most);
    }
    return image;
}

/* ---- any kind ---- */

/* Decode FILE; the image's bytes are freed by free(). */
static struct image decode(struct file *file)
{
    if (file->count > 2 && file->bytes[0] == 'P' && strchr("2356", file->bytes[1]))
        return decode_pnm(file);
    struct image image = {0};
#ifdef HAVE_STB
    int count = (int)file->count;
    if (!stbi_info_from_memory(file->bytes, count, &image.width, &image.height, &image.components))
        lathe_die(LATHE_USER, "%s: not an image that can be read (PNG, JPEG, BMP, PNM)",
                  file->path);
    check_sides(file->path, image.height, image.width);
    image.bytes = stbi_load_from_memory(file->bytes, count, &image.width, &image.height,
                                        &image.components, 0);
    if (!image.bytes)
        lathe_die(LATHE_USER, "%s: damaged image: %s", file->path, stbi_failure_reason());
#else
    lathe_die(LATHE_USER, "%s: not a PNM image, and this program was built without stb_image.h",
              file->path);
#endif
    return image;
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

/* The filter that makes a line of TO pixels, each as long as SCALE pixels before, of the middle of
 * a line of FROM: a triangle, as wide as two of the larger pixels, so that shrinking averages and
 * enlarging is linear between neighbours. */
static struct filter make_filter(int from, int to, double scale)
{
    double reach = scale > 1 ? scale : 1, start = (from - to * scale) / 2;
    struct filter filter = {.taps = (int)ceil(2 * reach) + 1};
    if (filter.taps > from)
        filter.taps = from;
    filter.first = lathe_alloc((size_t)to, sizeof *filter.first);
    filter.weights = lathe_alloc((size_t)to * filter.taps, sizeof *filter.weights);
    for (int i = 0; i < to; i++) {
        double centre = start + (i + 0.5) * scale, sum = 0;
        float *weights = filter.weights + (size_t)i * filter.taps;
        int first = (int)floor(centre - reach);
        first = first > from - filter.taps ? from - filter.taps : first;
        first = first < 0 ? 0 : first;
        filter.first[i] = first;
        for (int t = 0; t < filter.taps; t++)
            sum += fmax(0, 1 - fabs(first + t + 0.5 - centre) / reach);
        for (int t = 0; t < filter.taps; t++)
            weights[t] = (float)(fmax(0, 1 - fabs(first + t + 0.5 - centre) / reach) / sum);
    }
    return filter;
}

static void free_filter(struct filter *filter)
{
    free(filter->first);
    free(filter->weights);
}

/* OUTPUT[i], i < COUNT: FILTER's sum over INPUT, whose neighbours lie STRIDE floats apart. */
static void apply_filter(const struct filter *filter, const float *input, int stride, int count,
                         float *output)
{
    for (int i = 0; i < count; i++) {
        const float *weights = filter->weights + (size_t)i * filter->taps;
        const float *from = input + (size_t)filter->first[i] * stride;
        float sum = 0;
        for (int t = 0; t < filter->taps; t++)
            sum += weights[t] * from[(size_t)t * stride];
        output[i * stride] = sum;
    }
}

/* Scale IMAGE until it just covers HEIGHT x WIDTH and cut out the middle: CHANNELS planes of floats
 * from 0 to 255 in PIXELS. First along the lines, then along the columns. */
static void resize(const struct image *image, int channels, int height, int width, float *pixels)
{
    double scale = fmin((double)image->height / height, (double)image->width / width);
    struct filter across = make_filter(image->width, width, scale);
    struct filter down = make_filter(image->height, height, scale);
    size_t plane = (size_t)image->height * width;
    float *line = lathe_alloc((size_t)image->width * channels, sizeof *line);
    float *narrow = lathe_alloc(plane * channels, sizeof *narrow);
    for (int y = 0; y < image->height; y++) {
        to_channels(image, y, channels, line);
        for (int c = 0; c < channels; c++)
            apply_filter(&across, line + (size_t)c * image->width, 1, width,
                         narrow + c * plane + (size_t)y * width);
    }
    for (int c = 0; c < channels; c++)
        for (int x = 0; x < width; x++)
            apply_filter(&down, narrow + c * plane + x, width, height,
                         pixels + (size_t)c * height * width + x);
    free(line);
    free(narrow);
    free_filter(&across);
    free_filter(&down);
}

void lathe_read_image(const struct lathe_data *data, const char *path, float *pixels)
{
    int channels = data->channels;
    size_t area = (size_t)data->height * data->width;
    if (channels != 1 && channels != 3)
        lathe_die(LATHE_USER, "%s: the network takes %d channels, an image has 1 or 3", path,
                  channels);
    struct file file = read_whole(path);
    struct image image = decode(&file);
    resize(&image, channels, data->height, data->width, pixels);
    for (int c = 0; c < channels; c++) {
        float table[256];
        lathe_normalisation(data->mean[c], data->deviation[c], table);
        for (float *pixel = pixels + c * area; pixel < pixels + (c + 1) * area; pixel++)
            *pixel = table[(uint8_t)fminf(255, fmaxf(0, *pixel + 0.5f))];
    }
    free(file.bytes);
    free(image.bytes);
}
