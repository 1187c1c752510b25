$ -- Gradient of a linear layer's weight, in' * out_gradient: see gen/lower_linear.c.
$ local last = OUT_BLOCKS % K_TILE
$ for _, k in ipairs(last > 0 and { K_TILE, last } or { K_TILE }) do
/* ${C_TILE} inputs x ${k} blocks of outputs, of the samples in the rows at x and dy. */
LATHE_INLINE void ${name}_${k}(const float *x, const float *dy, float *to, int samples, bool first)
{
    enum { V = ${V}, BLOCK_ROWS = ${BATCH} * V, WEIGHT_BLOCK = ${IN_BLOCKS} * V * V };
    vf sum[${C_TILE}][${k}];
    LATHE_UNROLL(${C_TILE})
    for (int c = 0; c < ${C_TILE}; c++)
        LATHE_UNROLL(${k})
        for (int j = 0; j < ${k}; j++)
            sum[c][j] = first ? (vf){0} : lathe_load(to + c * V + j * WEIGHT_BLOCK);
    for (int n = 0; n < samples; n++) {
        vf g[${k}];
        LATHE_UNROLL(${k})
        for (int j = 0; j < ${k}; j++)
            g[j] = lathe_load(dy + j * BLOCK_ROWS + n * V);
        LATHE_UNROLL(${C_TILE})
        for (int c = 0; c < ${C_TILE}; c++) {
            const vf input = lathe_splat(x[n * V + c]);
            LATHE_UNROLL(${k})
            for (int j = 0; j < ${k}; j++)
                sum[c][j] += input * g[j];
        }
    }
    LATHE_UNROLL(${C_TILE})
    for (int c = 0; c < ${C_TILE}; c++)
        LATHE_UNROLL(${k})
        for (int j = 0; j < ${k}; j++)
            lathe_store(to + c * V + j * WEIGHT_BLOCK, sum[c][j]);
}

$ end
static void ${name}(${parameters})
{
    enum {
        V = ${V}, BATCH = ${BATCH}, IN_BLOCKS = ${IN_BLOCKS}, OUT_BLOCKS = ${OUT_BLOCKS},
        C_TILE = ${C_TILE}, K_TILE = ${K_TILE}, K_TILES = (OUT_BLOCKS + K_TILE - 1) / K_TILE,
        C_GROUP = ${C_GROUP}, C_GROUPS = IN_BLOCKS / C_GROUP, CHUNK = ${CHUNK}
    };
#pragma omp for nowait
    for (int b = 0; b < IN_BLOCKS + OUT_BLOCKS; b++)
        for (int n = 0; n < count; n++)
            lathe_store(rows + ((size_t)b * BATCH + n) * V,
                        b < IN_BLOCKS
                            ? lathe_load_any(in + (size_t)n * ${in_image} + (size_t)b * V)
                            : lathe_load(out_gradient + (size_t)n * ${out_gradient_image} +
                                         (size_t)(b - IN_BLOCKS) * V));
    lathe_meet();
    const int items = K_TILES * C_GROUPS;
#pragma omp for nowait schedule(dynamic, lathe_turn(items))
    for (int item = 0; item < items; item++) {
        const int cb0 = item % C_GROUPS * C_GROUP, kb = item / C_GROUPS * K_TILE;
        for (int n0 = 0; n0 < count; n0 += CHUNK) {
            const int samples = count - n0 < CHUNK ? count - n0 : CHUNK;
            const float *dy = rows + ((size_t)(IN_BLOCKS + kb) * BATCH + n0) * V;
            for (int cb = cb0; cb < cb0 + C_GROUP; cb++)
                for (int c = 0; c < V; c += C_TILE) {
                    const float *x = rows + ((size_t)cb * BATCH + n0) * V + c;
                    float *to = gradient + ((size_t)kb * IN_BLOCKS + cb) * (V * V) + c * V;
$ if last > 0 then
                    if (kb + K_TILE > OUT_BLOCKS)
                        ${name}_${last}(x, dy, to, samples, n0 == 0);
                    else
                        ${name}_${K_TILE}(x, dy, to, samples, n0 == 0);
$ else
                    ${name}_${K_TILE}(x, dy, to, samples, n0 == 0);
$ end
                }
        }
    }
}

