/*
 * seeds: what the fuzz targets begin with where it is not text: small files of each kind, good ones
 * mostly, a folder a target below the one that the command line names.
 */
#include "small_model.h"

#include "../../gen/base.h"
#include "../../runtime/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#if __has_include("stb_image_write.h")
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#include "stb_image_write.h"
#pragma clang attribute pop
#endif

static const char *root;

static const char *path_of(const char *target, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", root, target);
    make_folder(path);
    snprintf(path, sizeof path, "%s/%s/%s", root, target, name);
    return path;
}

/* A target's file: CHOICE (0: none), then what is in TEXT, which becomes empty. */
static void put(const char *target, const char *name, char choice, struct text *text)
{
    struct text whole = {0};
    text_add(&whole, &choice, choice != 0);
    text_add(&whole, text->data, text->length);
    write_file(path_of(target, name), whole.data, whole.length);
    text_free(&whole);
    text_free(text);
}

static void add_byte(struct text *text, int byte)
{
    text_add(text, &(char){(char)byte}, 1);
}

static void add_number(struct text *text, uint64_t number, int bytes, bool big)
{
    for (int i = 0; i < bytes; i++)
        add_byte(text, (int)(number >> 8 * (big ? bytes - 1 - i : i) & 0xff));
}

/* BYTES, each a little more than the one before. */
static void add_ramp(struct text *text, int bytes)
{
    for (int i = 0; i < bytes; i++)
        add_byte(text, 3 * i);
}

static void add_zeros(struct text *text, int bytes)
{
    for (int i = 0; i < bytes; i++)
        add_byte(text, 0);
}

/* TEXT compressed, WINDOW as zlib has it: 15, and 16 for gzip's header. */
static void compress_text(struct text *text, int window)
{
    unsigned char packed[4096];
    z_stream stream = {.next_in = (void *)text->data, .avail_in = (unsigned)text->length};
    stream.next_out = packed;
    stream.avail_out = sizeof packed;
    if (deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&stream, Z_FINISH) != Z_STREAM_END)
        bug("zlib does not compress");
    text_free(text);
    text_add(text, (char *)packed, stream.total_out);
    deflateEnd(&stream);
}

/* ---- weights and checkpoints ---- */

static void put_header(const char *name, const char *header, int data)
{
    struct text file = {0};
    add_number(&file, strlen(header), 8, false);
    text_add(&file, header, strlen(header));
    add_ramp(&file, data);
    put("safetensors", name, 0, &file);
}

static void put_weights(void)
{
    put_header("empty", "{}", 0);
    put_header("f32", "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}", 24);
    put_header("kinds",
               "{\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\\ud83d\\ude00\":\"\\n\"},"
               "\"h\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]},"
               "\"b\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[2,4]},"
               "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[4,12]},"
               "\"i\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[12,12]}}",
               12);
    put_header("sealed", "{\"__metadata__\":{\"checksum\":\"0123456789abcdef\"}}", 0);
}

static void put_checkpoint(void)
{
    const struct lathe_model model = small_model();
    const struct lathe_run run = small_run(&model);
    struct lathe_moving moving = small_moving(&model);
    lathe_checkpoint_write(&model, path_of("checkpoint", "."), &run, &moving);
    small_free(&moving);
}

/* ---- data sets ---- */

static void put_array(const char *name, char choice, const char *type, const char *shape, int bytes)
{
    struct text file = {0}, header = {0};
    text_printf(&header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", type, shape);
    text_add(&file, "\x93NUMPY\x01\x00", 8);
    add_number(&file, (uint32_t)header.length, 2, false);
    text_add(&file, header.data, header.length);
    add_zeros(&file, bytes);
    put("arrays", name, choice, &file);
    text_free(&header);
}

static void put_arrays(void)
{
    put_array("bytes", '0', "|u1", "(2, 3)", 6);
    put_array("points", '1', "<f8", "(4,)", 32);
    put_array("images", '2', "<f4", "(2, 2, 2, 3)", 96);
    put_array("labels", '3', "<i8", "(2,)", 16);
    put_array("values", '4', "<i4", "(2, 2)", 16);
}

static void put_idx(void)
{
    static const char *const names[] = {"images", "images-gz", "labels", "labels-gz"};
    for (int choice = 0; choice < 4; choice++) {
        struct text file = {0};
        bool labels = choice >= 2;
        add_number(&file, labels ? 0x801 : 0x803, 4, true);
        add_number(&file, 2, 4, true);
        if (!labels)
            add_number(&file, 3, 4, true), add_number(&file, 2, 4, true);
        add_ramp(&file, labels ? 2 : 12);
        if (choice & 1)
            compress_text(&file, 15 + 16);
        put("idx", names[choice], (char)('0' + choice), &file);
    }
}

static void put_cifar(void)
{
    struct text file = {0};
    add_byte(&file, 7);
    add_ramp(&file, 3072);
    put("cifar", "ten", '0', &file);
    add_byte(&file, 3);
    add_byte(&file, 60);
    add_ramp(&file, 3072);
    put("cifar", "hundred", '1', &file);
}

/* ---- pictures ---- */

static void add_chunk(struct text *png, const char *kind, const char *bytes, size_t count)
{
    add_number(png, (uint32_t)count, 4, true);
    size_t from = png->length;
    text_add(png, kind, 4);
    text_add(png, bytes, count);
    add_number(png, (uint32_t)crc32(0, (unsigned char *)png->data + from, (unsigned)count + 4), 4,
               true);
}

/* A PNG of 5 x 4 pixels with DEPTH bits a sample. */
static void put_png(const char *name, int depth, int colour, bool interlaced)
{
    static const int samples[] = {1, 0, 3, 1, 2, 0, 4};
    struct text png = {0}, header = {0}, lines = {0};
    add_number(&header, 5, 4, true);
    add_number(&header, 4, 4, true);
    add_byte(&header, depth);
    add_byte(&header, colour);
    add_number(&header, interlaced, 3, true);
    text_add(&png, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(&png, "IHDR", header.data, header.length);
    if (colour == 3) {
        add_chunk(&png, "PLTE", "\1\2\3\4\5\6\7\10\11\12\13\14", 12);
        add_chunk(&png, "tRNS", "\100\200", 2);
    }
    for (int y = 0; y < (interlaced ? 8 : 4); y++) { /* more filters than are needed do no harm */
        add_byte(&lines, interlaced ? 0 : y + 1);
        add_zeros(&lines, (5 * depth * samples[colour] + 7) / 8);
    }
    compress_text(&lines, 15);
    add_chunk(&png, "IDAT", lines.data, lines.length);
    add_chunk(&png, "IEND", "", 0);
    put("image", name, '0', &png);
    text_free(&header);
    text_free(&lines);
}

/* A BMP of 3 x 2 pixels with BITS each; MASKS: says where the colours are. */
static void put_bmp(const char *name, int bits, bool masks)
{
    struct text bmp = {0};
    int colours = bits < 16 ? 1 << bits : 0, line = (3 * bits + 31) / 32 * 4;
    text_add(&bmp, "BM", 2);
    add_zeros(&bmp, 8);
    add_number(&bmp, (uint32_t)(54 + 4 * colours + 12 * masks), 4, false);
    add_number(&bmp, 40, 4, false);
    add_number(&bmp, 3, 4, false);
    add_number(&bmp, 2, 4, false);
    add_number(&bmp, 1, 2, false);
    add_number(&bmp, (uint32_t)bits, 2, false);
    add_number(&bmp, masks ? 3 : 0, 4, false);
    add_zeros(&bmp, 20);
    if (masks)
        add_number(&bmp, 0xf800, 4, false), add_number(&bmp, 0x7e0, 4, false),
            add_number(&bmp, 0x1f, 4, false);
    add_ramp(&bmp, 4 * colours + 2 * line);
    put("image", name, '1', &bmp);
}

static void add_segment(struct text *jpeg, int marker, const char *bytes, int count)
{
    add_byte(jpeg, 0xff);
    add_byte(jpeg, marker);
    add_number(jpeg, (uint32_t)count + 2, 2, true);
    text_add(jpeg, bytes, (size_t)count);
}

/* A grey progressive JPEG of 8 x 8: a scan of the mean, one that refines it, one of the rest. The
 * codes: 0 for what is the same as before, 10 for a difference of three bits, or a 1 behind no 0s.
 */
static void put_progressive(void)
{
    static const char codes[] = "\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    struct text jpeg = {0}, part = {0};
    text_add(&jpeg, "\xff\xd8", 2);
    add_byte(&part, 0);
    for (int i = 0; i < 64; i++)
        add_byte(&part, 1);
    add_segment(&jpeg, 0xdb, part.data, (int)part.length);
    add_segment(&jpeg, 0xc2, "\10\0\10\0\10\1\1\21\0", 9);
    for (int kind = 0; kind < 2; kind++) {
        part.length = 0;
        add_byte(&part, kind << 4);
        text_add(&part, codes, 16);
        text_add(&part, kind ? "\0\1" : "\0\3", 2);
        add_segment(&jpeg, 0xc4, part.data, (int)part.length);
    }
    add_segment(&jpeg, 0xda, "\1\1\0\0\0\1", 6);
    add_byte(&jpeg, 0xbf);
    add_segment(&jpeg, 0xda, "\1\1\0\0\0\20", 6);
    add_byte(&jpeg, 0x7f);
    add_segment(&jpeg, 0xda, "\1\1\0\1\77\0", 6);
    add_byte(&jpeg, 0xbf);
    text_add(&jpeg, "\xff\xd9", 2);
    put("image", "progressive", '0', &jpeg);
    text_free(&part);
}

#ifdef STB_IMAGE_WRITE_IMPLEMENTATION
static void collect(void *context, void *bytes, int count)
{
    text_add(context, bytes, (size_t)count);
}

static void put_jpegs(void)
{
    unsigned char pixels[17 * 9 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (unsigned char)(i * i / 7);
    struct text jpeg = {0};
    stbi_write_jpg_to_func(collect, &jpeg, 17, 9, 3, pixels, 30); /* colours of half the size */
    put("image", "jpeg", '1', &jpeg);
    stbi_write_jpg_to_func(collect, &jpeg, 17, 9, 3, pixels, 95);
    put("image", "jpeg-full", '0', &jpeg);
    stbi_write_jpg_to_func(collect, &jpeg, 9, 7, 1, pixels, 50);
    put("image", "jpeg-grey", '0', &jpeg);
}
#endif

static void put_images(void)
{
    put_png("png-grey", 8, 0, false);
    put_png("png-colour", 8, 2, false);
    put_png("png-palette", 2, 3, false);
    put_png("png-deep", 16, 6, false);
    put_png("png-interlaced", 4, 0, true);
    put_png("png-alpha", 8, 4, true);
    put_bmp("bmp-1", 1, false);
    put_bmp("bmp-8", 8, false);
    put_bmp("bmp-16", 16, true);
    put_bmp("bmp-24", 24, false);
    put_bmp("bmp-32", 32, false);
    put_progressive();
#ifdef STB_IMAGE_WRITE_IMPLEMENTATION
    put_jpegs();
#endif
}

int main(int argc, char **argv)
{
    if (argc != 2)
        fail(STATUS_USAGE, "seeds FOLDER");
    root = argv[1];
    put_weights();
    put_checkpoint();
    put_arrays();
    put_idx();
    put_cifar();
    put_images();
    return 0;
}
