$ -- Gradient of convolution and linear weights: sum over samples and pixels of in * out_gradient.
$ local planar = IN_BLOCK == 1
$ local by_row = TAP_TILE > 1 -- all taps of a row at once: stride 1
$ local ahead = not pointwise and not planar and IN_H * IN_W > 1
$ if by_row then include("conv_weights_row.c.t", _ENV) end
$ if ahead then include("conv_weights_ahead.c.t", _ENV) end
static void ${name}(${parameters})
{
    enum {
        V = ${V}, IN_H = ${IN_H}, IN_W = ${IN_W}, IN_BLOCK = ${IN_BLOCK}, IN_BLOCKS = ${IN_BLOCKS},
        IN_IMAGE = ${in_image}, OUT_H = ${OUT_H}, OUT_W = ${OUT_W},
        SPAN_BLOCKS = ${SPAN_BLOCKS}, SPANS = ${SPANS},
        IN_STEP_H = ${IN_STEP_H}, IN_STEP_W = ${IN_STEP_W}, TAPS_H = ${TAPS_H},
        FIRST_H = ${FIRST_H}, STEP_H = ${STEP_H},
        TAPS_W = ${TAPS_W}, FIRST_W = ${FIRST_W}, STEP_W = ${STEP_W}, TAPS = ${TAPS},
        TAP_FLOATS = IN_BLOCK * V,
        WEIGHT_BLOCK = IN_BLOCKS * TAPS * TAP_FLOATS, FLOATS = ${FLOATS},
        C_TILE = ${C_TILE}, K_TILE = ${K_TILE}, /* accumulators, for each tap or pixel */
        TAP_TILE = ${TAP_TILE}, PIXEL_TILE = ${PIXEL_TILE}, SUMS = TAP_TILE * PIXEL_TILE,
        C_STRIDE_IN = ${C_STRIDE_IN}, C_STRIDE_WEIGHT = ${C_STRIDE_WEIGHT}, C_COUNT = ${C_COUNT},
        C_LAST = ${C_LAST}, C_BLOCKS = ${C_BLOCKS},
        C_GROUP = ${C_GROUP}, C_GROUPS = C_BLOCKS / C_GROUP, K_GROUP = ${K_GROUP},
        K_GROUPS = SPAN_BLOCKS / K_GROUP,
        NARROW = ${NARROW}, /* of an item's tiles, the last, have a block less */
        K_TILES = (K_GROUP + NARROW) / K_TILE,
        IMAGE_CHUNK = ${IMAGE_CHUNK}, ROW_CHUNK = ${ROW_CHUNK}, CHUNKS = ${CHUNKS},
        SPLITS = ${SPLITS}, SPLIT_IMAGES = ${SPLIT_IMAGES}
    };
$ if pointwise then
    enum {
        CHUNK_PIXELS = ROW_CHUNK * OUT_W, /* of an image */
        TILES = C_GROUP * (C_COUNT / C_TILE), /* of weights, that meet the same gradient */
        SHARE = (IMAGE_CHUNK * CHUNK_PIXELS * K_TILE + TILES - 1) / TILES
    };
$ end
    const int items = SPLITS * SPANS * K_GROUPS * C_GROUPS;
#pragma omp for nowait schedule(dynamic, lathe_turn(items))
    for (int item = 0; item < items; item++) {
        const int cg = item % C_GROUPS, kg = item / C_GROUPS % K_GROUPS;
        const int span = item / (C_GROUPS * K_GROUPS) % SPANS;
        const int split = item / (C_GROUPS * K_GROUPS * SPANS);
        const int split_end =
            (split + 1) * SPLIT_IMAGES < count ? (split + 1) * SPLIT_IMAGES : count;
        const int kb0 = span * SPAN_BLOCKS + kg * K_GROUP;
        float *weights = gradient + (size_t)split * FLOATS;
$ if planar then
        for (int kb = kb0; kb < kb0 + K_GROUP; kb++)
            memset(weights + (size_t)kb * WEIGHT_BLOCK, 0, WEIGHT_BLOCK * sizeof(float));
$ else
        for (int kb = kb0; kb < kb0 + K_GROUP; kb++)
            memset(weights + (size_t)kb * WEIGHT_BLOCK + cg * C_GROUP * TAPS * TAP_FLOATS, 0,
                   C_GROUP * TAPS * TAP_FLOATS * sizeof(float));
$ end
        for (int n0 = split * SPLIT_IMAGES; n0 < split_end; n0 += IMAGE_CHUNK)
$ if pointwise then -- rows stay in the second-level cache for all channels
        for (int oh0 = 0; oh0 < OUT_H; oh0 += ROW_CHUNK)
$ end
        for (int kt = 0; kt < K_TILES; kt++)
        for (int cb = cg * C_GROUP; cb < (cg + 1) * C_GROUP; cb++)
$ if not pointwise then -- all taps' sums stay in the first-level cache for all rows
        for (int oh0 = 0; oh0 < OUT_H; oh0 += ROW_CHUNK)
$ end
        for (int r = 0; r < TAPS_H; r++) {
$ if NARROW > 0 then
            const int narrow = kt > K_TILES - NARROW ? kt - (K_TILES - NARROW) : 0; /* before */
            const int kb = kb0 + kt * K_TILE - narrow;
$ else
            const int kb = kb0 + kt * K_TILE;
$ end
            const int n1 = n0 + IMAGE_CHUNK < split_end ? n0 + IMAGE_CHUNK : split_end;
            const int oh1 = oh0 + ROW_CHUNK < OUT_H ? oh0 + ROW_CHUNK : OUT_H;
            const int channels = cb < C_BLOCKS - 1 ? C_COUNT : C_LAST;
$ if ahead then -- where the next rows' pixels are: of this image, these blocks or the next
            const bool rows_end = oh0 + ROW_CHUNK >= OUT_H;
            const bool c_end = rows_end && cb + 1 == (cg + 1) * C_GROUP;
            const bool k_end = c_end && kb + K_TILE == kb0 + K_GROUP;
            const int next_oh = rows_end ? 0 : oh0 + ROW_CHUNK;
            const int next_cb = c_end ? cg * C_GROUP : cb + rows_end;
            const int next_kb = k_end ? kb0 : c_end ? kb + K_TILE : kb;
            const int next_n = k_end ? n0 + IMAGE_CHUNK : n0;
            const float *next_x = in + (size_t)next_n * IN_IMAGE +
                (((size_t)span * IN_BLOCKS + next_cb) * IN_H + next_oh * IN_STEP_H) *
                (IN_W * IN_BLOCK);
            const float *next_dy = out_gradient + (size_t)next_n * ${out_gradient_image} +
                ((size_t)next_kb * OUT_H + next_oh) * (OUT_W * V);
$ end
$ if not by_row then
            LATHE_UNROLL(${TAPS_W})
$ end
            for (int t = 0; t < TAPS_W; t += TAP_TILE) {
                const int shift = FIRST_W + t * STEP_W;
$ if not by_row then
                /* columns whose pixel for this tap lies inside the image */
                const int ow0 = shift < 0 ? (-shift + IN_STEP_W - 1) / IN_STEP_W : 0;
                const int stop = IN_W - shift > 0 ? (IN_W - shift + IN_STEP_W - 1) / IN_STEP_W : 0;
                const int ow1 = stop < OUT_W ? stop : OUT_W;
$ end
                for (int c0 = 0; c0 < channels; c0 += C_TILE) {
$ if pointwise then -- with each tile, ask for a share of the gradient that the next ones meet
                    const int part = (cb - cg * C_GROUP) * (C_COUNT / C_TILE) + c0 / C_TILE;
                    const bool last = kt == K_TILES - 1;
                    const float *next = out_gradient + (size_t)n0 * ${out_gradient_image} +
                        ((size_t)(last ? kb0 : kb + K_TILE) * (OUT_H * OUT_W) + oh0 * OUT_W +
                         (last ? CHUNK_PIXELS : 0)) * V;
                    for (int i = part * SHARE; i < part * SHARE + SHARE; i++)
                        __builtin_prefetch(next +
                            (size_t)(i / CHUNK_PIXELS / K_TILE) * ${out_gradient_image} +
                            (i / CHUNK_PIXELS % K_TILE * (OUT_H * OUT_W) + i % CHUNK_PIXELS) * V);
$ elseif ahead then -- with each tile, ask for a share of those pixels
                    ${name}_ahead(next_x, next_dy,
                                  (r * TAPS_W + t) / TAP_TILE * (C_COUNT / C_TILE) + c0 / C_TILE);
$ end
$ if NARROW > 0 then
                    if (kt < K_TILES - NARROW) {
$   include("conv_weights_tile.c.t", within({K = K_TILE, by_row = by_row}, _ENV), 24)
                    } else {
$   include("conv_weights_tile.c.t", within({K = K_TILE - 1, by_row = false}, _ENV), 24)
                    }
$ else
$   include("conv_weights_tile.c.t", within({K = K_TILE, by_row = by_row}, _ENV), 20)
$ end
                }
            }
        }
    }
}

