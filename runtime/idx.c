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
#include <stdlib.h>
#include <string.h>

#include "input.h"

#ifdef LATHE_ZLIB
#include <zlib.h>
#endif

enum { IMAGES = 0x803, LABELS = 0x801 };

/* A plain or compressed file that is read once from its beginning on. */
struct stream {
    struct lathe_input input;
    uint64_t left; /* bytes of a plain one */
    bool compressed;
#ifdef LATHE_ZLIB
    gzFile gz; /* has the descriptor */
#endif
    uint32_t sizes[3]; /* of its header: 3 of images, 1 of labels */
    uint64_t header, bytes;
};

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text), rest = strlen(end);
    return length >= rest && strcmp(text + length - rest, end) == 0;
}

static void open_stream(struct stream *stream, const char *path)
{
    struct lathe_error error;
    *stream = (struct stream){.compressed = ends_in(path, ".gz")};
    if (!lathe_input_open(&stream->input, path, &error))
        lathe_die(error.status, "%s", error.message);
    stream->left = stream->input.size;
    if (!stream->compressed)
        return;
#ifdef LATHE_ZLIB
    stream->gz = gzdopen(stream->input.descriptor, "rb");
    if (!stream->gz || gzbuffer(stream->gz, 1 << 17) != 0)
        lathe_die(LATHE_RESOURCE, "out of memory: to decompress %s", path);
#else
    lathe_die(LATHE_USER,
              "%s: compressed, and this program was built without zlib; gunzip it first", path);
#endif
}

/* Close STREAM, read to its end; dies where a compressed one lacks its checksum. */
static void close_stream(struct stream *stream)
{
#ifdef LATHE_ZLIB
    if (stream->compressed && gzclose_r(stream->gz) != Z_OK)
        lathe_die(LATHE_USER, "%s: truncated: the compressed data has no end", stream->input.path);
#endif
    if (!stream->compressed)
        lathe_input_close(&stream->input);
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
            lathe_die(LATHE_USER, "%s: %s", stream->input.path, strerror(errno));
        if (error != Z_OK && error != Z_BUF_ERROR && error != Z_STREAM_END) {
            const char *after_path = strstr(message, ": "); /* zlib's message starts with it */
            lathe_die(LATHE_USER, "%s: damaged: %s", stream->input.path,
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
    struct lathe_error error;
    uint64_t done = wanted < stream->left ? wanted : stream->left;
    if (!lathe_input_read(&stream->input, bytes, done, &error))
        lathe_die(error.status, "%s", error.message);
    stream->left -= done;
    return done;
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Read the header of a file of MAGIC: how many bytes it has, and how many are to follow it. */
static void read_header(struct stream *stream, uint32_t magic)
{
    const char *path = stream->input.path;
    int count = (int)(magic & 0xff);
    uint8_t header[16];
    stream->header = 4 + 4 * (uint64_t)count;
    uint64_t got = read_bytes(stream, header, stream->header);
    if (got >= 4 && big_endian(header) != magic)
        lathe_die(LATHE_USER, "%s: magic number %08x, expected %08x", path, big_endian(header),
                  magic);
    if (got < stream->header)
        lathe_die(LATHE_USER, "%s: %llu bytes, a header has %llu", path, (unsigned long long)got,
                  (unsigned long long)stream->header);
    stream->bytes = 1;
    for (int i = 0; i < count; i++) {
        uint32_t size = big_endian(header + 4 + 4 * i), most = i == 0 ? INT_MAX : LATHE_SIDE_MAX;
        if (size == 0 || size > most)
            lathe_die(LATHE_USER, "%s: size %d of the header is %u, expected 1 to %u", path, i + 1,
                      size, most);
        stream->sizes[i] = size;
        stream->bytes *= size; /* at most 2^31 * 2^10 * 2^10 */
    }
}

/* Die where a file of this size cannot hold what its header promises. Deflate's best is 1032 to 1.
 */
static void check_size(const struct stream *stream)
{
    uint64_t size = stream->input.size, all = stream->header + stream->bytes;
    if (size <= UINT64_MAX / 1032 && stream->compressed)
        size *= 1032;
    if (all > size)
        lathe_die(LATHE_USER, "%s: truncated: the header promises %llu bytes, the file has %s%llu",
                  stream->input.path, (unsigned long long)all, stream->compressed ? "at most " : "",
                  (unsigned long long)size);
}

/* Open PATH, a file of MAGIC, and see that its header may be true. */
static void begin_file(struct stream *stream, const char *path, uint32_t magic)
{
    open_stream(stream, path);
    read_header(stream, magic);
    check_size(stream);
}

/* What follows STREAM's header, in fresh memory; closes it. */
static uint8_t *finish_file(struct stream *stream)
{
    const char *path = stream->input.path;
    uint8_t *content = lathe_alloc(stream->bytes, 1), more;
    uint64_t got = read_bytes(stream, content, stream->bytes);
    unsigned long long all = stream->header + stream->bytes;
    if (got < stream->bytes)
        lathe_die(LATHE_USER, "%s: truncated: the header promises %llu bytes, the file has %llu",
                  path, all, (unsigned long long)(stream->header + got));
    if (read_bytes(stream, &more, 1) == 1)
        lathe_die(LATHE_USER, "%s: trailing bytes after the %llu that the header promises", path,
                  all);
    close_stream(stream);
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
    char *folder = lathe_find_folder(search, image_names[train]);
    char *image_path = lathe_find_file(folder, image_names[train]);
    char *label_path = lathe_find_file(folder, label_names[train]);
    struct stream images, labels;
    if (!label_path)
        lathe_die(LATHE_USER, "%s: no file %s in %s", search->set, label_names[train][0], folder);
    begin_file(&labels, label_path, LABELS);
    begin_file(&images, image_path, IMAGES);
    if (images.sizes[0] != labels.sizes[0]) /* before memory is taken */
        lathe_die(LATHE_USER, "%s: %u images, but %u labels in %s", image_path, images.sizes[0],
                  labels.sizes[0], label_path);
    uint8_t *bytes = finish_file(&labels);
    dataset->count = (int)images.sizes[0];
    dataset->channels = 1;
    dataset->height = (int)images.sizes[1];
    dataset->width = (int)images.sizes[2];
    dataset->labels = widen_labels(label_path, bytes, dataset->count, dataset->classes);
    free(bytes);
    dataset->images = finish_file(&images);
    free(folder);
    free(image_path);
    free(label_path);
}
