static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_BLOCKS = ${C_BLOCKS}, H = ${H}, W = ${W} };
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int k = 0; k < C_BLOCKS; k++)
            for (int pixel = 0; pixel < H * W; pixel++)
                for (int lane = 0; lane < V; lane++) {
                    const int c = k * V + lane;
                    out[(size_t)n * ${out_image} + ((size_t)k * (H * W) + pixel) * V + lane] =
                        c < C ? in[((size_t)n * C + c) * (H * W) + pixel] : 0;
                }
}

