static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_BLOCKS = ${C_BLOCKS}, PIXELS = ${PIXELS}, PIECES = ${PIECES} };
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int k = 0; k < C_BLOCKS; k++) {
            const float *x = in + (size_t)n * ${in_image} + (size_t)k * (PIXELS * V);
            float *y = out + (size_t)n * ${out_image} + (size_t)k * (PIXELS * V);
$ include("dynamic_relu_lines.c.t", _ENV, 12)
            for (int p = 0; p < PIXELS; p++) {
                const vf v = lathe_load(x + p * V);
                vf most = slope[0] * v + shift[0];
                for (int j = 1; j < PIECES; j++)
                    most = lathe_max_or_nan(most, slope[j] * v + shift[j]);
                lathe_store(y + p * V, most);
            }
        }
}

