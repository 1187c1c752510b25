/*
 * Pictures of all kinds. A PNG's checksums are mended before it is read: with them no mutation
 * would come any further.
 */
#include "fuzz.h"

#include "../../runtime/data.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void mend_checksums(uint8_t *png, size_t count)
{
    for (size_t place = 8; count - place >= 12;) {
        size_t length = big_endian(png + place);
        if (length > count - place - 12)
            return;
        uint32_t sum = (uint32_t)crc32(0, png + place + 4, (uInt)length + 4);
        for (size_t i = 0; i < 4; i++)
            png[place + 8 + length + i] = (uint8_t)(sum >> (24 - 8 * i));
        place += length + 12;
    }
}

/* A PNG of millions of pixels takes its time, and may be a good one: it is 8,256 of them a byte. */
static bool is_long(const uint8_t *bytes, size_t count)
{
    enum { MOST = 1 << 20, REFUSED = 1 << 27 };
    if (count < 24 || bytes[0] != 0x89)
        return false;
    uint64_t pixels = (uint64_t)big_endian(bytes + 16) * big_endian(bytes + 20);
    return pixels > MOST && pixels <= REFUSED;
}

void fuzz_parse(const uint8_t *bytes, size_t count)
{
    enum { SIDE = 6 };
    if (count && is_long(bytes + 1, count - 1))
        return;
    uint8_t *copy = malloc(count + 1), pixels[3 * SIDE * SIDE];
    struct lathe_error error;
    int channels = fuzz_choose(&bytes, &count, 2) ? 3 : 1;
    memcpy(copy, bytes, count);
    if (count > 8 && copy[0] == 0x89)
        mend_checksums(copy, count);
    fuzz_put("image", copy, count);
    free(copy);
    lathe_decode_image(fuzz_path("image"), channels, SIDE, SIDE, pixels, &error);
}
