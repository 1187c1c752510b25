$ -- Of the pixels that a chunk of images and rows reads, from X and DY on, ask for the share that
$ -- belongs to the PASS-th tile of the weights: the chunk before meets all tiles meanwhile.
LATHE_INLINE void ${name}_ahead(const float *x, const float *dy, int pass)
{
    enum {
        LINE = 16, /* floats of 64 bytes */
        PASSES = ${TAPS // TAP_TILE * (C_COUNT // C_TILE)},
        IMAGES = ${IMAGE_CHUNK}, BLOCKS = ${K_TILE},
        X_LINES = (${ROW_CHUNK * IN_STEP_H * IN_W * IN_BLOCK} + LINE - 1) / LINE,
        X_SHARE = (IMAGES * X_LINES + PASSES - 1) / PASSES,
        BLOCK = ${OUT_H * OUT_W * V}, DY_LINES = (${ROW_CHUNK * OUT_W * V} + LINE - 1) / LINE,
        DY_SHARE = (IMAGES * BLOCKS * DY_LINES + PASSES - 1) / PASSES
    };
    for (int i = pass * X_SHARE; i < pass * X_SHARE + X_SHARE; i++)
        __builtin_prefetch(x + (size_t)(i / X_LINES) * ${in_image} + i % X_LINES * LINE);
    for (int i = pass * DY_SHARE; i < pass * DY_SHARE + DY_SHARE; i++)
        __builtin_prefetch(dy + (size_t)(i / DY_LINES / BLOCKS) * ${out_gradient_image} +
                           i / DY_LINES % BLOCKS * BLOCK + i % DY_LINES * LINE);
}

