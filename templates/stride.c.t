$ -- Pixels that a stride meets, side by side: see gen/lower_stride.c.
static void ${name}(${parameters})
{
    enum {
        V = ${V}, BLOCKS = ${BLOCKS}, IN_H = ${IN_H}, IN_W = ${IN_W}, OUT_H = ${OUT_H},
        OUT_W = ${OUT_W}, STRIDE_H = ${STRIDE_H}, STRIDE_W = ${STRIDE_W}
    };
#pragma omp for nowait
    for (int item = 0; item < count * BLOCKS; item++) {
        const float *from = in + (size_t)(item / BLOCKS) * ${in_image} +
                            (size_t)(item % BLOCKS) * (IN_H * IN_W * V);
        float *to = out + (size_t)(item / BLOCKS) * ${out_image} +
                    (size_t)(item % BLOCKS) * (OUT_H * OUT_W * V);
        for (int oh = 0; oh < OUT_H; oh++)
            for (int ow = 0; ow < OUT_W; ow++)
                lathe_store(to + (oh * OUT_W + ow) * V,
                            lathe_load(from + (oh * STRIDE_H * IN_W + ow * STRIDE_W) * V));
    }
}
