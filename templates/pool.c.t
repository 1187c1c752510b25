static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS},
           IN_H = ${IN_H}, IN_W = ${IN_W}, OUT_H = ${OUT_H}, OUT_W = ${OUT_W},
           KERNEL_H = ${KERNEL_H}, KERNEL_W = ${KERNEL_W}, STRIDE_H = ${STRIDE_H},
           STRIDE_W = ${STRIDE_W}, PAD_TOP = ${PAD_TOP}, PAD_LEFT = ${PAD_LEFT} };
#pragma omp for nowait collapse(2)
    for (int plane = 0; plane < count * C_BLOCKS; plane++)
        for (int oh = 0; oh < OUT_H; oh++) {
            const int n = plane / C_BLOCKS, k = plane % C_BLOCKS, first_h = oh * STRIDE_H - PAD_TOP;
            const int h0 = first_h < 0 ? 0 : first_h;
            const int h1 = first_h + KERNEL_H < IN_H ? first_h + KERNEL_H : IN_H;
            const float *from = in + (size_t)n * ${in_image} + (size_t)k * (IN_H * IN_W * V);
            float *to = out + (size_t)n * ${out_image} + ((size_t)k * OUT_H + oh) * (OUT_W * V);
            for (int ow = 0; ow < OUT_W; ow++) {
                const int w0 = ow * STRIDE_W - PAD_LEFT;
                const bool inside = w0 >= 0 && w0 + KERNEL_W <= IN_W;
                vf pool = lathe_splat(${maximum and "-INFINITY" or "0.0f"});
                for (int h = h0; h < h1; h++)
                    LATHE_UNROLL(${math.min(KERNEL_W, 8)})
                    for (int w = w0; w < w0 + KERNEL_W; w++) {
                        if (!inside && (w < 0 || w >= IN_W))
                            continue;
$ if maximum then
                        pool = lathe_max_or_nan(pool, lathe_load(from + (h * IN_W + w) * V));
$ else
                        pool += lathe_load(from + (h * IN_W + w) * V);
$ end
                    }
$ if not maximum then
                pool *= 1.0f / (KERNEL_H * KERNEL_W);
$ end
                lathe_store(to + ow * V, pool);
            }
        }
}

