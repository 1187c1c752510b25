$ -- Convolution by Winograd's method, item by item: an item's pixels and some blocks of its sums
$ -- stay in the second-level cache, the weights stream through it. Where the tiles make too few
$ -- items, an item is split into SHARES of the output blocks, and each thread that has some of them
$ -- transforms all of the pixels: less work than to fetch them from another core's cache.
$ include("winograd_parts.c.t", _ENV)
static void ${name}(${parameters})
{
$ include("winograd_sizes.c.t", _ENV, 4)
    enum { SLOTS = ${SLOTS} };
    const int parts = (count + ITEM_IMAGES - 1) / ITEM_IMAGES * CHUNKS * SHARES;
    /* a slot of scratch memory a thread; where there are more threads, some have none */
    const bool few = lathe_threads() <= SLOTS;
    int there = -1; /* the item and slot whose pixels this thread made last */
#pragma omp for nowait schedule(dynamic)
    for (int share = 0; share < (few ? parts : SLOTS); share++)
        for (int part = share; part < parts; part += few ? parts : SLOTS) {
            const int item = part / SHARES, block0 = part % SHARES * ITEM_BLOCKS;
            const int slot = few ? lathe_thread() : share;
            float *pixels = scratch + (size_t)slot * (POSITIONS * (PIXELS + SUMS) + FOLDED);
            float *sums = pixels + POSITIONS * PIXELS;
            const int oh0 = item % CHUNKS * CHUNK_ROWS, n0 = item / CHUNKS * ITEM_IMAGES;
            const int oh1 = oh0 + CHUNK_ROWS < OUT_H ? oh0 + CHUNK_ROWS : OUT_H;
            const int images = count - n0 < ITEM_IMAGES ? count - n0 : ITEM_IMAGES;
$ if folded then
            float *folded = sums + POSITIONS * SUMS;
            for (int n = 0; n < (item * SLOTS + slot != there ? images : 0); n++) {
                ${name}_fold(in + (size_t)(n0 + n) * IN_IMAGE, oh0, folded);
                for (int cb = 0; cb < IN_BLOCKS; cb++)
                    for (int th = 0; th * M < oh1 - oh0; th++)
                        for (int tw = 0; tw < TILES_W; tw++)
                            ${name}_transform(folded + cb * PLANE, 0, n, th, tw, cb, pixels);
            }
$ else
            for (int cb = 0; cb < (item * SLOTS + slot != there ? IN_BLOCKS : 0); cb++)
                for (int n = 0; n < images; n++) {
                    const float *plane =
                        in + (size_t)(n0 + n) * IN_IMAGE + (size_t)cb * (IN_H * IN_W * V);
                    for (int th = 0; th * M < oh1 - oh0; th++)
                        for (int tw = 0; tw < TILES_W; tw++)
                            ${name}_transform(plane, oh0 / M, n, th, tw, cb, pixels);
                }
$ end
            there = item * SLOTS + slot;
            for (int k0 = block0; k0 < block0 + ITEM_BLOCKS; k0 += K_CHUNK) {
                const float *taps = weight + (size_t)(k0 / K_TILE) * POSITIONS * TAPS;
                for (int i = 0; i < POSITIONS * K_TILES; i++, taps += TAPS) {
                    const int p = i / K_TILES, kt = i % K_TILES;
                    ${name}_product(pixels, taps, sums + kt * K_TILE * TILES * V, p, images,
                        taps + TAPS, TAPS);
                }
                for (int kb = k0; kb < k0 + K_CHUNK; kb += K_TILE) {
$ include("winograd_finish.c.t", {sums = "sums + (kb + j - k0) * TILES * V",
$   image = "n - n0",
$   name = name, inner_names = inner_names, gathers = gathers, pooled = pooled,
$   keeps_raw = keeps_raw, raw_image = keeps_raw and raw_image, second_pass = second_pass,
$   maximum = maximum, after = after, pooled_steps = pooled_steps, V = V}, 20)
                }
            }
        }
$ if streams and not second_pass then
    lathe_streamed();
$ end
}

