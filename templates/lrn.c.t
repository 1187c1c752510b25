static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, PIXELS = ${PIXELS}, SIZE = ${SIZE}, HALF = SIZE / 2 };
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int p = 0; p < PIXELS; p++) {
            const float *x = in + (size_t)n * ${in_image} + (size_t)p * V;
            float *y = out + (size_t)n * ${out_image} + (size_t)p * V;
            float square[C_BLOCKS * V + 2 * HALF]; /* with zeros for neighbours at both ends */
            for (int i = 0; i < HALF; i++)
                square[i] = square[HALF + C_BLOCKS * V + i] = 0;
            for (int k = 0; k < C_BLOCKS; k++) {
                const vf v = lathe_load(x + (size_t)k * (PIXELS * V));
                lathe_store_any(square + HALF + k * V, v * v);
            }
            for (int k = 0; k < C_BLOCKS; k++) {
                vf sum = {0};
                for (int j = 0; j < SIZE; j++)
                    sum += lathe_load_any(square + k * V + j);
$ include("lrn_power.c.t", _ENV, 16)
                lathe_store(y + (size_t)k * (PIXELS * V),
                            lathe_load(x + (size_t)k * (PIXELS * V)) * power);
            }
        }
}

