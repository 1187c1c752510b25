$ -- Convolution by Winograd's method, position by position: all pixels are transformed, then the
$ -- weights of each position, read once, meet all tiles, then all sums are transformed back.
$ include("winograd_parts.c.t", _ENV)
static void ${name}(${parameters})
{
$ include("winograd_sizes.c.t", _ENV, 4)
    enum { IMAGE_TILES = CHUNK_TILES * TILES_W };
    float *const pixels = scratch, *const sums = scratch + (size_t)POSITIONS * PIXELS;
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int cb = 0; cb < IN_BLOCKS; cb++)
            for (int t = 0; t < IMAGE_TILES; t++)
                ${name}_transform(in + (size_t)n * IN_IMAGE + (size_t)cb * (IN_H * IN_W * V), 0, n,
                    t / TILES_W, t % TILES_W, cb, pixels);

    lathe_meet();
#pragma omp for nowait schedule(dynamic)
    for (int item = 0; item < POSITIONS * K_TILES; item++) {
        const int p = item / K_TILES, kb = item % K_TILES * K_TILE, later = item + lathe_threads();
        ${name}_product(pixels, weight + (size_t)item * TAPS, sums + (size_t)kb * TILES * V, p,
            count, weight + (size_t)later * TAPS, later < POSITIONS * K_TILES ? TAPS : 0);
    }

    const int items = (count + ITEM_IMAGES - 1) / ITEM_IMAGES;
    lathe_meet();
#pragma omp for nowait schedule(dynamic)
    for (int part = 0; part < items * K_TILES; part++) {
        const int item = part / K_TILES, kb = part % K_TILES * K_TILE;
        const int n0 = item * ITEM_IMAGES, oh0 = 0, oh1 = OUT_H;
        const int images = count - n0 < ITEM_IMAGES ? count - n0 : ITEM_IMAGES;
$ include("winograd_finish.c.t", {name = name, inner_names = inner_names, gathers = gathers,
$   sums = "sums + ((size_t)kb + j) * TILES * V", image = "n",
$   pooled = pooled, keeps_raw = keeps_raw, raw_image = keeps_raw and raw_image,
$   second_pass = second_pass, maximum = maximum, after = after,
$   pooled_steps = pooled_steps, V = V}, 8)
    }
$ if streams and not second_pass then
    lathe_streamed();
$ end
}

