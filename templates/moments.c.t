static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, H = ${H}, W = ${W} };
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int k = 0; k < C_BLOCKS; k++) {
            vf shift = {0}, sum[3] = {{0}, {0}, {0}};
            for (int h = 0; h < H; h++) {
                vf row[3] = {{0}, {0}, {0}};
                for (int w = 0; w < W; w++) {
                    const size_t at = ((size_t)k * (H * W) + h * W + w) * V;
                    vf v = lathe_load(raw + (size_t)n * ${raw_image} + at);
$ include("steps.c.t", {steps = before_moments, V = V}, 20)
                    if (h == 0 && w == 0)
                        shift = v;
                    row[0] += v;
                    row[1] += v - shift;
                    row[2] += (v - shift) * (v - shift);
                }
                for (int m = 0; m < 3; m++)
                    sum[m] += row[m];
            }
            float *to = moments + ((size_t)n * C_BLOCKS + k) * (4 * V);
            lathe_store(to, shift);
            for (int m = 0; m < 3; m++)
                lathe_store(to + (m + 1) * V, sum[m]);
        }
}

