$ -- The tiles of a phase of conv.c.t: its rows are made of them.
$ local tile_parameters = "int n0, int kb, int cb0, int oh, const int ow0, const bool edge, " ..
$   "float *restrict to, vf moment[][4], bool first" ..
$   (pixel_lanes and ", const float *restrict padded, int oh0" or "")
$ -- What the pool keeps in registers must not be missing for sums; a single tap has no edges.
$ local kind = pooled and TAPS == 1 and "ALONE" or "INLINE"
$ if scatters then
/* Where in an image of ${FULL_W} columns pixel P is of those that a stride's tap meets. */
LATHE_INLINE int ${name}_place(int p)
{
    enum { GRID_W = ${GRID_W}, STEP_W = ${OUT_STEP_W}, STEP_H = ${OUT_STEP_H} * ${FULL_W} };
    return p / GRID_W * STEP_H + p % GRID_W * STEP_W;
}

$ end
$ local function place(w) -- column w of row oh, in pixels from `to`
$   return scatters and name .. "_place(oh * OUT_W + " .. w .. ")" or w .. " * OUT_STEP_W"
$ end
$ local waiting = place(scatters and "ow0 + p" or "(ow0 + p % COLUMNS)") -- of a sum in `to`
$ for _, t in ipairs(tiles) do
/* ${t.images} images x ${t.columns} columns from ow0 of row oh x ${K_TILE} blocks of channels. */
LATHE_${kind} void ${name}_${t.images}x${t.columns}(${inner_parameters}, ${tile_parameters})
{
$ include("conv_sizes.c.t", _ENV, 4)
    enum { COLUMNS = ${t.columns}, PIXELS = ${t.pixels} };
$ if fetches_lines then
    enum { LINE_PIXELS = ${LINE_PIXELS} };
$ end
$ if packs then
    (void)oh, (void)edge;
$ elseif narrow then
    const int in_block0 = kb * V / GROUP_OUT * GROUP_IN / V;
$ else
    const int in_block0 = kb / SPAN_BLOCKS * IN_BLOCKS;
$ end
    vf sum[PIXELS][K_TILE];
    LATHE_UNROLL(${t.pixels})
    for (int p = 0; p < PIXELS; p++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            sum[p][j] = (vf){0};
$ if BLOCK_CHUNK < IN_BLOCKS then
    if (cb0 > 0) { /* go on with what the blocks before left in `to` */
        LATHE_UNROLL(${t.pixels})
        for (int p = 0; p < PIXELS; p++)
            LATHE_UNROLL(${K_TILE})
            for (int j = 0; j < K_TILE; j++)
                sum[p][j] = lathe_load(to + ((size_t)(p / COLUMNS) * TO_IMAGE + j * TO_BLOCK +
                                             ${waiting}) * V);
    }
$ end

    const int cb1 = cb0 + BLOCK_CHUNK < IN_BLOCKS ? cb0 + BLOCK_CHUNK : IN_BLOCKS;
$ if packs then
$   include("conv_packed.c.t", {K_TILE = K_TILE, pixels = t.pixels,
$     channel_unroll = channel_unroll}, 4)
$ elseif by_sample then
$   include("conv_samples.c.t", {TAPS_W = TAPS_W, K_TILE = K_TILE, pixels = t.pixels,
$     is_exchanged = is_exchanged}, 4)
$ elseif pixel_lanes then
$   include("conv_lanes.c.t", {TAPS_W = TAPS_W, V = V, OUT_C = OUT_C, TURNS = TURNS,
$     vectors = t.vectors}, 4)
$ else
$   include(narrow and "conv_narrow.c.t" or "conv_dense.c.t", {TAPS_W = TAPS_W, K_TILE = K_TILE,
$     by_row = by_row, fetches_ahead = fetches_ahead, channel_unroll = channel_unroll,
$     tap_unroll = tap_unroll, fetches_lines = fetches_lines, pointwise = TAPS == 1,
$     pixels = t.pixels, images = t.images, columns = t.columns, reach = t.reach,
$     depthwise = depthwise, aligned = aligned}, 4)
$ end

$ if BLOCK_CHUNK < IN_BLOCKS then
    if (cb1 < IN_BLOCKS) {
        LATHE_UNROLL(${t.pixels})
        for (int p = 0; p < PIXELS; p++)
            LATHE_UNROLL(${K_TILE})
            for (int j = 0; j < K_TILE; j++)
                lathe_store(to + ((size_t)(p / COLUMNS) * TO_IMAGE + j * TO_BLOCK +
                                  ${waiting}) * V, sum[p][j]);
        return;
    }
$ end
    vf done[PIXELS][K_TILE];
    LATHE_UNROLL(${t.pixels})
    for (int p = 0; p < PIXELS; p++)
        LATHE_UNROLL(${K_TILE})
        for (int j = 0; j < K_TILE; j++)
            done[p][j] = sum[p][j];
    for (int j = 0; j < K_TILE; j++) {
$ if gathers then
        vf part[3] = {{0}, {0}, {0}};
$ end
        for (int p = 0; p < PIXELS; p++) {
            const int k = kb + j, i = p / COLUMNS, n = n0 + i, w = ow0 + p % COLUMNS;
            (void)k, (void)n;
            vf v = done[p][j];
$ include("conv_pixel.c.t", {V = V, biased = biased, steps = steps, gathers = gathers,
$   streams = streams and not second_pass, by_sample = by_sample,
$   accumulate_image = accumulates and accumulate_image, before_moments = before_moments,
$   first = "first && p == 0",
$   to = "to + ((size_t)i * TO_IMAGE + j * TO_BLOCK + " .. place("w") .. ") * V",
$   at = "((size_t)k * (FULL_H * FULL_W) + (oh * OUT_STEP_H + OUT_FIRST_H) * FULL_W + " ..
$        "w * OUT_STEP_W + OUT_FIRST_W) * V"}, 12)
$ if writes_zeros then -- the places between that no tap meets
            LATHE_UNROLL(8)
            for (int z = 1; z < OUT_STEP_H * OUT_STEP_W; z++)
                lathe_${streams_zeros and "stream" or "store"}(
                    to + ((size_t)i * TO_IMAGE + j * TO_BLOCK + ${place("w")} +
                          z / OUT_STEP_W * FULL_W + z % OUT_STEP_W) * V, (vf){0});
$ end
        }
$ if gathers then
        moment[j][1] += part[0];
        moment[j][2] += part[1];
        moment[j][3] += part[2];
$ end
    }
$ if not gathers then
    (void)moment, (void)first;
$ end
}

$ end
