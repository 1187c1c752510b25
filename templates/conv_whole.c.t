$ -- Direct convolution of few images whose sums all fit the registers: each vector of weights is
$ -- read once, while those AHEAD of it are on their way into the cache, and meets all its pixels.
$ assert(parameters and pixels)
static void ${name}(${parameters})
{
$ include("conv_sizes.c.t", _ENV, 4)
    enum { PIXELS = OUT_H * OUT_W, AHEAD = ${AHEAD} };
#pragma omp for schedule(dynamic)
    for (int item = 0; item < OUT_BLOCKS * count; item++) {
        const int kb = item / count, n0 = item % count, images = 1, oh0 = 0, oh1 = OUT_H;
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
                        __builtin_prefetch(at + AHEAD * V, 0, 2);
                        LATHE_UNROLL(${pixels})
                        for (int p = 0; p < PIXELS; p++) {
                            const int h = p / OUT_W * IN_STEP_H + FIRST_H + r * STEP_H;
                            const int w = p % OUT_W * IN_STEP_W + FIRST_W + t * STEP_W;
                            if (h >= 0 && h < IN_H && w >= 0 && w < IN_W)
                                sum[p] += lathe_splat(image[(h * IN_W + w) * IN_BLOCK + c]) * tap;
                        }
                    }
        }
$ if pooled then
        float plane[PIXELS * V] __attribute__((aligned(64)));
        float *to = plane;
$ else
        float *to = out + (size_t)n0 * OUT_IMAGE + (size_t)kb * (PIXELS * V);
$ end
        vf done[PIXELS];
        LATHE_UNROLL(${pixels})
        for (int p = 0; p < PIXELS; p++)
            done[p] = sum[p];
        for (int p = 0; p < PIXELS; p++) {
            const int n = n0, k = kb;
            (void)n, (void)k;
            vf v = done[p];
$ include("conv_pixel.c.t", {V = V, biased = biased, steps = steps, gathers = false,
$   accumulate_image = false, streams = false, to = "to + p * V",
$   at = "((size_t)k * PIXELS + p) * V"}, 12)
        }
$ if pooled then
$ include("plane.c.t", _ENV, 8)
$ else
        (void)images, (void)oh0, (void)oh1;
$ end
    }
}

