/*
 * The IDX files of MNIST and Fashion-MNIST (yann.lecun.com/exdb/mnist), plain or compressed:
 *
 *     images: 00000803, count, height, width, count x height x width bytes
 *     labels: 00000801, count, count bytes            (header: big-endian 32-bit numbers)
 *
 * What a header promises is held against the file's size before memory is taken.
 */
#include "data.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef LATHE_ZLIB
#include <zlib.h>
#endif

enum { IMAGES = 0x803, LABELS = 0x801 };

/* A compressed file that is open for reading, or a plain one. */
struct stream {
    const char *path;
    bool compressed;
    uint64_t file_bytes; /* of the file as it lies on the disk */
    FILE *plain;
#ifdef LATHE_ZLIB
    gzFile gz;
#endif
};

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), rest = strlen(end);
    return length >= rest && strcmp(text + length - rest, end) == 0;
}

static struct stream open_stream(const char *path)
{
    struct stream stream = {.path = path, .compressed = ends_in(path, ".gz")};
    struct stat status;
    if (stat(path, &status) != 0)
        lathe_die(LATHE_USER, "%s: %s", path, strerror(errno));
    stream.file_bytes = (uint64_t)status.st_size;
    bool opened;
    if (stream.compressed) {
#ifdef LATHE_ZLIB
        stream.gz = gzopen(path, "rb");
        opened = stream.gz != NULL;
        if (opened)
            gzbuffer(stream.gz, 1 << 17);
#else
        lathe_die(LATHE_USER,
                  "%s: compressed, and this program was built without zlib; gunzip it first", path);
#endif
    } else {
        stream.plain = fopen(path, "rb");
        opened = stream.plain != NULL;
    }
    if (!opened)
        lathe_die(LATHE_USER, "%s: %s", path, strerror(errno));
    return stream;
}

/* Close STREAM, read to its end; dies where a compressed one lacks its checksum. */
static void close_stream(struct stream *stream)
{
#ifdef LATHE_ZLIB
    if (stream->compressed && gzclose_r(stream->gz) != Z_OK)
        lathe_die(LATHE_USER, "%s: truncated: the compressed data has no end", stream->path);
#endif
    if (!stream->compressed)
        fclose(stream->plain);
}

#ifdef LATHE_ZLIB
/* As read_bytes, of a compressed file; inflates no more than BYTES. */
static uint64_t read_compressed(struct stream *stream, uint8_t *bytes, uint64_t wanted)
{
    uint64_t done = 0;
    while (done < wanted) {
        unsigned piece = wanted - done < 1 << 30 ? (unsigned)(wanted - done) : 1u << 30;
        int got = gzread(stream->gz, bytes + done, piece);
        int error = Z_OK;
        const char *message = gzerror(stream->gz, &error);
        if (error == Z_ERRNO)
            lathe_die(LATHE_USER, "%s: %s", stream->path, strerror(errno));
        if (error != Z_OK && error != Z_BUF_ERROR && error != Z_STREAM_END) {
            const char *after_path = strstr(message, ": "); /* zlib's message starts with it */
            lathe_die(LATHE_USER, "%s: damaged: %s", stream->path,
                      after_path ? after_path + 2 : message);
        }
        if (got <= 0)
            break;
        done += (uint64_t)got;
    }
    return done;
}
#endif

/* Read WANTED bytes, fewer only at the end of the file; return how many. */
static uint64_t read_bytes(struct stream *stream, uint8_t *bytes, uint64_t wanted)
{
#ifdef LATHE_ZLIB
    if (stream->compressed)
        return read_compressed(stream, bytes, wanted);
#endif
    uint64_t done = fread(bytes, 1, wanted, stream->plain);
    if (ferror(stream->plain))
        lathe_die(LATHE_USER, "%s: %s", stream->path, strerror(errno));
    return done;
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Read the header of a file of MAGIC into SIZES (3 of images, 1 of labels). Return the bytes that
 * follow it, as the sizes have it. */
static uint64_t read_header(struct stream *stream, uint32_t magic, uint32_t sizes[3])
{
    int count = (int)(magic & 0xff);
    uint8_t header[16];
    uint64_t bytes = 4 + 4 * (uint64_t)count, got = read_bytes(stream, header, bytes);
    if (got >= 4 && big_endian(header) != magic)
        lathe_die(LATHE_USER, "%s: magic number %08x, expected %08x", stream->path,
                  big_endian(header), magic);
    if (got < bytes)
        lathe_die(LATHE_USER, "%s: %llu bytes, a header has %llu", stream->path,
                  (unsigned long long)got, (unsigned long long)bytes);
    uint64_t product = 1;
    for (int i = 0; i < count; i++) {
        sizes[i] = big_endian(header + 4 + 4 * i);
        uint32_t most = i == 0 ? INT_MAX : LATHE_SIDE_MAX;
        if (sizes[i] == 0 || sizes[i] > most)
            lathe_die(LATHE_USER, "%s: size %d of the header is %u, expected 1 to %u", stream->path,
                      i + 1, sizes[i], most);
        product *= sizes[i]; /* at most 2^31 * 2^10 * 2^10 */
    }
    return product;
}

/* Die where a file of this size cannot hold HEADER + BYTES bytes. Deflate's best is 1032 to 1. */
static void check_size(const struct stream *stream, uint64_t header, uint64_t bytes)
{
    uint64_t most = stream->compressed ? stream->file_bytes * 1032 : stream->file_bytes;
    if (header + bytes > most)
        lathe_die(LATHE_USER, "%s: truncated: the header promises %llu bytes, the file has %s%llu",
                  stream->path, (unsigned long long)(header + bytes),
                  stream->compressed ? "at most " : "", (unsigned long long)most);
}

/* Read the whole of PATH, a file of MAGIC, into fresh memory; its sizes into SIZES. */
static uint8_t *read_file(const char *path, uint32_t magic, uint32_t sizes[3])
{
    struct stream stream = open_stream(path);
    uint64_t header = 4 + 4 * (uint64_t)(magic & 0xff);
    uint64_t bytes = read_header(&stream, magic, sizes);
    check_size(&stream, header, bytes);
    uint8_t *content = lathe_alloc(bytes, 1);
    uint64_t got = read_bytes(&stream, content, bytes);
    if (got < bytes)
        lathe_die(LATHE_USER, "%s: truncated: the header promises %llu bytes, the file has %llu",
                  path, (unsigned long long)(header + bytes), (unsigned long long)(header + got));
    uint8_t more;
    if (read_bytes(&stream, &more, 1) == 1)
        lathe_die(LATHE_USER, "%s: trailing bytes after the %llu that the header promises", path,
                  (unsigned long long)(header + bytes));
    close_stream(&stream);
    return content;
}

/* Widen COUNT labels of the file PATH, each below CLASSES. */
static int32_t *widen_labels(const char *path, const uint8_t *bytes, int count, int classes)
{
    int32_t *labels = lathe_alloc((size_t)count, sizeof *labels);
    for (int i = 0; i < count; i++) {
        if (bytes[i] >= classes)
            lathe_die(LATHE_USER, "%s: label %d is %d, expected 0 to %d", path, i, bytes[i],
                      classes - 1);
        labels[i] = bytes[i];
    }
    return labels;
}

void lathe_read_idx(const struct lathe_search *search, bool train, struct lathe_dataset *dataset)
{
    static const char *const image_names[2][5] = {
        {"t10k-images-idx3-ubyte", "t10k-images.idx3-ubyte", "t10k-images-idx3-ubyte.gz",
         "t10k-images.idx3-ubyte.gz"},
        {"train-images-idx3-ubyte", "train-images.idx3-ubyte", "train-images-idx3-ubyte.gz",
         "train-images.idx3-ubyte.gz"}};
    static const char *const label_names[2][5] = {
        {"t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte", "t10k-labels-idx1-ubyte.gz",
         "t10k-labels.idx1-ubyte.gz"},
        {"train-labels-idx1-ubyte", "train-labels.idx1-ubyte", "train-labels-idx1-ubyte.gz",
         "train-labels.idx1-ubyte.gz"}};
    uint32_t sizes[3], label_sizes[3];
    char *folder = lathe_find_folder(search, image_names[train]);
    char *image_path = lathe_find_file(folder, image_names[train]);
    char *label_path = lathe_find_file(folder, label_names[train]);
    if (!label_path)
        lathe_die(LATHE_USER, "%s: no file %s in %s", search->set, label_names[train][0], folder);
    uint8_t *bytes = read_file(label_path, LABELS, label_sizes);
    dataset->images = read_file(image_path, IMAGES, sizes);
    if (sizes[0] != label_sizes[0])
        lathe_die(LATHE_USER, "%s: %u images, but %u labels in %s", image_path, sizes[0],
                  label_sizes[0], label_path);
    dataset->count = (int)sizes[0];
    dataset->channels = 1;
    dataset->height = (int)sizes[1];
    dataset->width = (int)sizes[2];
    dataset->labels = widen_labels(label_path, bytes, dataset->count, dataset->classes);
    free(bytes);
    free(folder);
    free(image_path);
    free(label_path);
}
