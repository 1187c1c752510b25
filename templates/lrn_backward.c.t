static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, PIXELS = ${PIXELS}, SIZE = ${SIZE}, HALF = SIZE / 2 };
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int p = 0; p < PIXELS; p++) {
            const float *x = in + (size_t)n * ${in_image} + (size_t)p * V;
            const float *dy = out_gradient + (size_t)n * ${out_gradient_image} + (size_t)p * V;
            float *dx = in_gradient + (size_t)n * ${in_gradient_image} + (size_t)p * V;
            float square[C_BLOCKS * V + 2 * HALF]; /* with zeros for neighbours at both ends */
            float ratio[C_BLOCKS * V + 2 * HALF];  /* dy x s^(-beta - 1) */
            float direct[C_BLOCKS * V];            /* dy s^-beta */
            for (int i = 0; i < HALF; i++)
                square[i] = square[HALF + C_BLOCKS * V + i] = ratio[i] =
                    ratio[HALF + C_BLOCKS * V + i] = 0;
            for (int k = 0; k < C_BLOCKS; k++) {
                const vf v = lathe_load(x + (size_t)k * (PIXELS * V));
                lathe_store_any(square + HALF + k * V, v * v);
            }
            for (int k = 0; k < C_BLOCKS; k++) {
                vf sum = {0};
                for (int j = 0; j < SIZE; j++)
                    sum += lathe_load_any(square + k * V + j);
$ include("lrn_power.c.t", _ENV, 16)
                const vf g = lathe_load(dy + (size_t)k * (PIXELS * V)) * power;
                lathe_store_any(direct + k * V, g);
                lathe_store_any(ratio + HALF + k * V,
                                g * lathe_load(x + (size_t)k * (PIXELS * V)) / s);
            }
            for (int k = 0; k < C_BLOCKS; k++) {
                vf sum = {0};
                for (int j = 0; j < SIZE; j++)
                    sum += lathe_load_any(ratio + k * V + j);
                vf g = lathe_load_any(direct + k * V) -
                       ${slope_share} * lathe_load(x + (size_t)k * (PIXELS * V)) * sum;
$ if accumulates then
                g += lathe_load(accumulate + (size_t)n * ${accumulate_image} +
                                ((size_t)k * PIXELS + p) * V);
$ end
                lathe_store(dx + (size_t)k * (PIXELS * V), g);
            }
        }
}

