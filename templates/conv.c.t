$ -- Direct convolution, linear layers, and backward data of both: see gen/lower_conv.c's formula.
$ assert(parameters and tiles and segments)
$ local phases = {_ENV}
$ for i, phase in ipairs(more_phases) do
$   phase.name = name .. "_phase" .. i + 1
$   phases[i + 1] = within(phase, _ENV)
$ end
$ for _, phase in ipairs(phases) do include("conv_tile.c.t", phase) end
static void ${name}(${parameters})
{
$ include("conv_sizes.c.t", _ENV, 4)
$ if packs then
    float packed[CHUNK_ROWS * OUT_W * IN_FLOATS] __attribute__((aligned(64)));
    int there = -1; /* the rows that this thread has copied last */
$ end
    const int image_items = (count + ITEM_IMAGES - 1) / ITEM_IMAGES;
    const int items = image_items * CHUNKS * K_TILES;
#pragma omp for nowait schedule(${schedule})
    for (int item = 0; item < items; item++) {
$ if images_outer then
        const int kb = item % K_TILES * K_TILE, rest = item / K_TILES;
$ else
        const int kb = item / (image_items * CHUNKS) * K_TILE, rest = item % (image_items * CHUNKS);
$ end
        const int oh0 = rest % CHUNKS * CHUNK_ROWS, n0 = rest / CHUNKS * ITEM_IMAGES;
        const int oh1 = oh0 + CHUNK_ROWS < OUT_H ? oh0 + CHUNK_ROWS : OUT_H;
        const int images = count - n0 < ITEM_IMAGES ? count - n0 : ITEM_IMAGES;
$ if packs then
$   include("conv_pack.c.t", _ENV, 8)
$ end
$ if pooled and not keeps_raw then
        float plane[K_TILE * CHUNK_ROWS * OUT_W * V] __attribute__((aligned(64)));
$ end
$ if gathers then
        vf moment[K_TILE][4] = {{{0}}};
$ end
$ if pixel_lanes then
        float padded[IN_C * PADDED] __attribute__((aligned(64)));
$   include("padded.c.t", _ENV, 8)
$ end
        for (int cb = 0; cb < IN_BLOCKS; cb += BLOCK_CHUNK)
            for (int i = 0; i < images;) {
$ for _, t in ipairs(tiles) do
$   if t.columns == tiles[1].columns then
$     if t.images > 1 then
                if (i + ${t.images} <= images) {
$     else
                {
$     end
                    for (int oh = oh0; oh < oh1; oh++) {
$     if pooled and not keeps_raw then
                        float *to = plane + (oh - oh0) * OUT_W * V;
$     elseif scatters then -- the image's first pixel
                        float *to = out + ((size_t)(n0 + i) * TO_IMAGE +
                                           (size_t)kb * (FULL_H * FULL_W)) * V;
$     else
                        float *to = ${keeps_raw and "raw" or "out"} +
                                    ((size_t)(n0 + i) * TO_IMAGE + (size_t)kb * (FULL_H * FULL_W) +
                                     (oh * OUT_STEP_H + OUT_FIRST_H) * FULL_W + OUT_FIRST_W) * V;
$     end
$     for _, phase in ipairs(phases) do
$       local place = "to"
$       if phase ~= _ENV then
$         place = ("to + (%d * FULL_W + %d) * V"):format(phase.OUT_FIRST_H, phase.OUT_FIRST_W)
$       end
$       local row = within({to = place, images = t.images}, phase)
$       if phase.OUT_H < OUT_H then -- there is no such row below
                        if (oh < ${phase.OUT_H}) {
$         include("conv_row.c.t", row, 24)
                        }
$       else
$         include("conv_row.c.t", row, 20)
$       end
$     end
$     if BLOCK_CHUNK < IN_BLOCKS and weights_by_row then
$       include("conv_ahead_rows.c.t", {images = t.images}, 24)
$     end
                    }
$     if BLOCK_CHUNK < IN_BLOCKS and not weights_by_row then
$       include("conv_ahead.c.t", {images = t.images}, 20)
$     end
                    i += ${t.images};
$     if t.images > 1 then
                    continue;
$     end
                }
$   end
$ end
            }
$ if second_pass then
$ include("plane.c.t", _ENV, 8)
$ end
$ if streams and not second_pass or writes_zeros and streams_zeros then
        lathe_streamed();
$ end
$ if gathers then
        for (int j = 0; j < K_TILE; j++)
            for (int m = 0; m < 4; m++)
                lathe_store(moments + (((size_t)rest * OUT_BLOCKS + kb + j) * 4 + m) * V,
                            moment[j][m]);
$ end
    }
}

