$ -- A group of some tiles of one position, of winograd_parts.c.t's product.
LATHE_ALONE void ${name}_group${tile}(const float *restrict pixels, const float *restrict weight,
                                       float *restrict sums, const float *share)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    enum { WIDTH = ${tile} };
    vf sum[WIDTH][K_TILE];
    LATHE_UNROLL(${tile})
    for (int t = 0; t < WIDTH; t++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            sum[t][j] = (vf){0};
    for (int cb = 0; cb < IN_BLOCKS; cb++) {
        const float *block = pixels + (size_t)cb * (WIDTH * V);
        const float *rows = weight + cb * (V * V * K_TILE);
        const int channels = cb < IN_BLOCKS - 1 ? V : LAST_CHANNELS;
        for (int c0 = 0; c0 < channels; c0 += 4) {
            const float *ahead = share + (cb * V + c0) / 4 * AHEAD * V;
            for (int j = 0; j < AHEAD; j++)
                __builtin_prefetch(ahead + j * V, 0, TAPS <= 4096 ? 3 : 2);
            LATHE_UNROLL(4)
            for (int c = c0; c < c0 + 4; c++) {
                vf tap[K_TILE];
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++)
                    tap[j] = lathe_load(rows + (c * K_TILE + j) * V);
                LATHE_UNROLL(${tile})
                for (int t = 0; t < WIDTH; t++) {
                    const vf pixel = lathe_splat(block[t * V + c]);
                    LATHE_UNROLL(${K_TILE})
                    for (int j = 0; j < K_TILE; j++)
                        sum[t][j] += pixel * tap[j];
                }
            }
        }
    }
    LATHE_UNROLL(${tile})
    for (int t = 0; t < WIDTH; t++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            lathe_store(sums + ((size_t)j * TILES + t) * V, sum[t][j]);
}

