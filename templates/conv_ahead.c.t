$ -- A chunk's weights come to the second-level cache while the chunk before is used, a share of
$ -- them with each image.
if (cb + BLOCK_CHUNK < IN_BLOCKS) {
    enum { LINE = 16, LINES = BLOCK_CHUNK * TAPS * TAP_FLOATS / LINE }; /* of 64 bytes */
    const float *next = weight + (size_t)(kb * IN_BLOCKS + cb + BLOCK_CHUNK) * TAPS * TAP_FLOATS;
    for (int line = i * LINES / images; line < (i + ${images}) * LINES / images; line++)
        for (int j = 0; j < K_TILE; j++)
            __builtin_prefetch(next + j * WEIGHT_BLOCK + line * LINE, 0, 2);
}
