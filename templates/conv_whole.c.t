$ -- Direct convolution of few images: ROWS rows have all their sums in registers, so that each
$ -- vector of weights is read once or twice, while those AHEAD of it come into the cache.
$ assert(parameters and pixels)
/* Block kb of sample n0: the rows from h0 on. */
LATHE_INLINE void ${name}_rows(${inner_parameters}, int n0, int kb, const int h0,
                               float *restrict to)
{
$ include("conv_sizes.c.t", _ENV, 4)
    enum { ROWS = ${rows}, PIXELS = ROWS * OUT_W, AHEAD = ${AHEAD} };
    vf sum[PIXELS];
    LATHE_UNROLL(${pixels})
    for (int p = 0; p < PIXELS; p++)
        sum[p] = (vf){0};
    for (int cb = 0; cb < IN_BLOCKS; cb++) {
        const float *image = in + (size_t)n0 * IN_IMAGE + cb * (IN_H * IN_W * IN_BLOCK);
        const float *block = weight + ((size_t)kb * IN_BLOCKS + cb) * TAPS * TAP_FLOATS;
        LATHE_UNROLL(${TAPS_H})
        for (int r = 0; r < TAPS_H; r++)
            LATHE_UNROLL(${TAPS_W})
            for (int t = 0; t < TAPS_W; t++)
                for (int c = 0; c < IN_BLOCK; c++) {
                    const float *at = block + ((r * TAPS_W + t) * IN_BLOCK + c) * V;
                    const vf tap = lathe_load(at);
                    __builtin_prefetch(at + AHEAD * V);
                    LATHE_UNROLL(${pixels})
                    for (int p = 0; p < PIXELS; p++) {
                        const int h = (h0 + p / OUT_W) * IN_STEP_H + FIRST_H + r * STEP_H;
                        const int w = p % OUT_W * IN_STEP_W + FIRST_W + t * STEP_W;
                        if (h0 + p / OUT_W < OUT_H && h >= 0 && h < IN_H && w >= 0 && w < IN_W)
                            sum[p] += lathe_splat(image[(h * IN_W + w) * IN_BLOCK + c]) * tap;
                    }
                }
    }
    vf done[PIXELS];
    LATHE_UNROLL(${pixels})
    for (int p = 0; p < PIXELS; p++)
        done[p] = sum[p];
    for (int p = 0; p < PIXELS && h0 * OUT_W + p < OUT_H * OUT_W; p++) {
        const int n = n0, k = kb, place = h0 * OUT_W + p;
        (void)n, (void)k;
        vf v = done[p];
$ include("conv_pixel.c.t", {V = V, biased = biased, steps = steps, gathers = false,
$   accumulate_image = false, streams = false, by_sample = false, to = "to + place * V",
$   at = "((size_t)k * (OUT_H * OUT_W) + place) * V"}, 8)
    }
}

static void ${name}(${parameters})
{
$ include("conv_sizes.c.t", _ENV, 4)
#pragma omp for nowait schedule(dynamic)
    for (int item = 0; item < OUT_BLOCKS * count; item++) {
        const int kb = item / count, n0 = item % count;
$ if pooled then
        const int images = 1, oh0 = 0, oh1 = OUT_H;
        float plane[OUT_H * OUT_W * V] __attribute__((aligned(64)));
        float *to = plane;
$ else
        float *to = out + (size_t)n0 * OUT_IMAGE + (size_t)kb * (OUT_H * OUT_W * V);
$ end
$ for h0 = 0, OUT_H - 1, rows do
        ${name}_rows(${inner_names}, n0, kb, ${h0}, to);
$ end
$ if pooled then
$ include("plane.c.t", _ENV, 8)
$ end
    }
}

