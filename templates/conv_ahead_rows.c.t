$ -- The weights used next, a chunk's or the next blocks' first, come to the second-level cache
$ -- while a chunk is used, a share of them with each row of pixels.
{
    enum { LINE = 16, LINES = BLOCK_CHUNK * TAPS * TAP_FLOATS / LINE }; /* of 64 bytes */
    const int next_cb = cb + BLOCK_CHUNK < IN_BLOCKS ? cb + BLOCK_CHUNK : 0;
    const int next_kb = next_cb > 0 ? kb : kb + K_TILE < OUT_BLOCKS ? kb + K_TILE : 0;
    const float *next = weight + (size_t)(next_kb * IN_BLOCKS + next_cb) * TAPS * TAP_FLOATS;
    const int row = i * (oh1 - oh0) + oh - oh0, rows = images * (oh1 - oh0);
    for (int line = row * LINES / rows; line < (row + ${images}) * LINES / rows; line++)
        for (int j = 0; j < K_TILE; j++)
            __builtin_prefetch(next + j * WEIGHT_BLOCK + line * LINE, 0, 2);
}
