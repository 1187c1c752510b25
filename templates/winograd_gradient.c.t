$ -- Gradient of 3 x 3 weights by Winograd's method: see gen/lower_winograd_weights.c. Of a block of
$ -- tiles, pixels and gradients are [position][block of channels][tile][V]; sums are
$ -- [position][K_TILE blocks][input channel][K_TILE][V].
$ include("winograd_gradient_parts.c.t", _ENV)
/* Output blocks from kb0 and input blocks from cb0 of a span, images from n0 on. */
static void ${name}_chunk(${inner_parameters}, int n0, int images, int kb0, int cb0, int span,
                          float *restrict gradient, float *restrict scratch)
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    float *pixels = scratch, *gradients = pixels + POSITIONS * PIXELS;
    float *sums = gradients + POSITIONS * GRADIENTS;
    const float *x = in + (size_t)n0 * IN_IMAGE +
                     (size_t)(span * IN_BLOCKS + cb0) * (IN_H * IN_W * V);
    const float *dy = out_gradient + (size_t)n0 * OUT_IMAGE + (size_t)kb0 * (OUT_H * OUT_W * V);
    for (int t0 = 0; t0 < images * TILES; t0 += BLOCK) {
        const int tiles = images * TILES - t0 < BLOCK ? images * TILES - t0 : BLOCK;
        for (int cb = 0; cb < C_CHUNK; cb++)
            for (int t = 0; t < tiles; t++) {
                const int n = (t0 + t) / TILES, place = (t0 + t) % TILES;
                ${name}_pixels(x + (size_t)n * IN_IMAGE + cb * (IN_H * IN_W * V),
                    place / TILES_W * TILE + FIRST_H, place % TILES_W * TILE + FIRST_W,
                    pixels + (cb * BLOCK + t) * V);
            }
        for (int kb = 0; kb < K_CHUNK; kb++)
            for (int t = 0; t < tiles; t++) {
                const int n = (t0 + t) / TILES, place = (t0 + t) % TILES;
                ${name}_gradients(dy + (size_t)n * OUT_IMAGE + kb * (OUT_H * OUT_W * V),
                    place / TILES_W * TILE, place % TILES_W * TILE,
                    gradients + (kb * BLOCK + t) * V);
            }
        const int t_ahead = t0 + BLOCK < images * TILES ? t0 + BLOCK : 0;
        for (int p = 0; p < POSITIONS; p++)
            ${name}_products(pixels + p * PIXELS, gradients + p * GRADIENTS,
                             sums + (size_t)p * SUMS, tiles, t0 == 0, x, dy, t_ahead,
                             p * (PRODUCTS / POSITIONS));
    }
    for (int kb = 0; kb < K_CHUNK; kb++)
        for (int c = 0; c < C_CHUNK * V; c++)
            ${name}_taps(sums + (kb / K_TILE * (C_CHUNK * V) + c) * (K_TILE * V) + kb % K_TILE * V,
                gradient + (size_t)(kb0 + kb) * WEIGHT_BLOCK +
                    (size_t)(cb0 + c / V) * (TAPS * TAPS * TAP_FLOATS) + c % V * V);
}

static void ${name}(${parameters})
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    enum { CHUNKS = SPANS * K_CHUNKS * C_CHUNKS };
    const int items = (count + SPLIT_IMAGES - 1) / SPLIT_IMAGES * CHUNKS;
    /* a slot of scratch memory a thread; where there are more threads, some have none */
    const bool few = lathe_threads() <= SLOTS;
#pragma omp for nowait schedule(dynamic)
    for (int share = 0; share < (few ? items : SLOTS); share++)
        for (int item = share; item < items; item += few ? items : SLOTS) {
            const int slot = few ? lathe_thread() : share, split = item / CHUNKS;
            const int kc = item % (SPANS * K_CHUNKS), cc = item / (SPANS * K_CHUNKS) % C_CHUNKS;
            const int n0 = split * SPLIT_IMAGES;
            ${name}_chunk(${inner_names}, n0, count - n0 < SPLIT_IMAGES ? count - n0 : SPLIT_IMAGES,
                kc * K_CHUNK, cc * C_CHUNK, kc / K_CHUNKS, gradient + (size_t)split * FLOATS,
                scratch + (size_t)slot * POSITIONS * (PIXELS + GRADIENTS + SUMS));
        }
}

