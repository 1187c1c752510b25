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
        float *to = out + (size_t)n * ${out_image} + (size_t)k * (OUT_H * OUT_W * V);
        for (int oh = 0; oh < OUT_H; oh++)
            for (int ow = 0; ow < OUT_W; ow++) {
                vf pool = lathe_splat(${maximum and "-INFINITY" or "0.0f"});
                for (int h = oh * STRIDE_H - PAD_TOP; h < oh * STRIDE_H - PAD_TOP + KERNEL_H; h++)
                    for (int w = ow * STRIDE_W - PAD_LEFT; w < ow * STRIDE_W - PAD_LEFT + KERNEL_W;
                         w++) {
                        if (h < 0 || h >= IN_H || w < 0 || w >= IN_W)
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
                lathe_store(to + (oh * OUT_W + ow) * V, pool);
            }
    }
}

