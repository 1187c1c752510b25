$ -- All channels of a tile's pixels, which lie in the order in which they are read (conv_pack.c.t).
for (int cb = cb0; cb < cb1; cb++) {
    const int channels = cb < IN_BLOCKS - 1 ? IN_BLOCK : LAST_BLOCK;
    const float *pixels = in + cb * (PIXELS * IN_BLOCK);
    const float *taps = weight + (size_t)(kb * IN_BLOCKS + cb) * TAP_FLOATS;
$ if channel_unroll > 1 then
    LATHE_UNROLL(${channel_unroll})
$ end
    for (int c = 0; c < channels; c++) {
        vf tap[K_TILE];
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            tap[j] = lathe_load(taps + j * WEIGHT_BLOCK + c * V);
        LATHE_UNROLL(${pixels})
        for (int p = 0; p < PIXELS; p++) {
            const vf pixel = lathe_splat(pixels[p * IN_BLOCK + c]);
            LATHE_UNROLL(${K_TILE})
            for (int j = 0; j < K_TILE; j++)
                sum[p][j] += pixel * tap[j];
        }
    }
    LATHE_FENCE();
}
