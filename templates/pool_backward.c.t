static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS},
           IN_H = ${IN_H}, IN_W = ${IN_W}, OUT_H = ${OUT_H}, OUT_W = ${OUT_W},
           KERNEL_H = ${KERNEL_H}, KERNEL_W = ${KERNEL_W}, STRIDE_H = ${STRIDE_H},
           STRIDE_W = ${STRIDE_W}, PAD_TOP = ${PAD_TOP}, PAD_LEFT = ${PAD_LEFT} };
#pragma omp for nowait
    for (int plane = 0; plane < count * C_BLOCKS; plane++) {
        const int n = plane / C_BLOCKS, k = plane % C_BLOCKS;
        const float *from = in + (size_t)n * ${in_image} + (size_t)k * (IN_H * IN_W * V);
        const float *gradients =
            out_gradient + (size_t)n * ${out_gradient_image} + (size_t)k * (OUT_H * OUT_W * V);
        float *to = in_gradient + (size_t)n * ${in_gradient_image} + (size_t)k * (IN_H * IN_W * V);
$ if accumulates then
        memcpy(to, accumulate + (size_t)n * ${accumulate_image} + (size_t)k * (IN_H * IN_W * V),
               IN_H * IN_W * V * sizeof(float));
$ else
        memset(to, 0, IN_H * IN_W * V * sizeof(float));
$ end
        (void)from;
        for (int oh = 0; oh < OUT_H; oh++)
            for (int ow = 0; ow < OUT_W; ow++) {
                vf g = lathe_load(gradients + (oh * OUT_W + ow) * V);
                const int h0 = oh * STRIDE_H - PAD_TOP, w0 = ow * STRIDE_W - PAD_LEFT;
$ if maximum then
                vf pool = lathe_splat(-INFINITY);
                for (int p = 0; p < KERNEL_H * KERNEL_W; p++) {
                    const int h = h0 + p / KERNEL_W, w = w0 + p % KERNEL_W;
                    if (h >= 0 && h < IN_H && w >= 0 && w < IN_W)
                        pool = lathe_max_or_nan(pool, lathe_load(from + (h * IN_W + w) * V));
                }
                vi open = ~(vi){0}; /* lanes whose maximum has not been met */
$ else
                g *= 1.0f / (KERNEL_H * KERNEL_W);
$ end
                for (int p = 0; p < KERNEL_H * KERNEL_W; p++) {
                    const int h = h0 + p / KERNEL_W, w = w0 + p % KERNEL_W;
                    if (h < 0 || h >= IN_H || w < 0 || w >= IN_W)
                        continue;
                    float *pixel = to + (h * IN_W + w) * V;
$ if maximum then
                    const vi here = open & (lathe_load(from + (h * IN_W + w) * V) == pool);
                    open &= ~here;
                    lathe_store(pixel, lathe_load(pixel) + (vf)((vi)g & here));
$ else
                    lathe_store(pixel, lathe_load(pixel) + g);
$ end
                }
            }
    }
}

