$ -- The first of the largest lines has the gradient. A sample's and block's sums over the pixels
$ -- are one thread's, in order.
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_BLOCKS = ${C_BLOCKS}, PIXELS = ${PIXELS}, PIECES = ${PIECES} };
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int k = 0; k < C_BLOCKS; k++) {
            const size_t plane = (size_t)k * (PIXELS * V);
            const float *x = in + (size_t)n * ${in_image} + plane;
            const float *gradients = out_gradient + (size_t)n * ${out_gradient_image} + plane;
$ include("dynamic_relu_lines.c.t", _ENV, 12)
$ if sums then
            vf sum[2 * PIECES] = {{0}};
$ end
            for (int p = 0; p < PIXELS; p++) {
                const vf v = lathe_load(x + p * V), g = lathe_load(gradients + p * V);
                vf most = slope[0] * v + shift[0];
                vi chosen = {0};
                for (int j = 1; j < PIECES; j++) {
                    const vf line = slope[j] * v + shift[j];
                    chosen = (vi)lathe_select(line > most, (vf)((vi){0} + j), (vf)chosen);
                    most = lathe_max_or_nan(most, line);
                }
$ if stores then
                vf down = {0};
$ end
                for (int j = 0; j < PIECES; j++) {
                    const vf part = (vf)((vi)g & (chosen == j));
$ if stores then
                    down += part * slope[j];
$ end
$ if sums then
                    sum[j] += part * v;
                    sum[PIECES + j] += part;
$ end
                }
$ if accumulates then
                down += lathe_load(accumulate + (size_t)n * ${accumulate_image} + plane + p * V);
$ end
$ if stores then
                lathe_store(in_gradient + (size_t)n * ${in_gradient_image} + plane + p * V, down);
$ end
            }
$ if sums then
            float *row = residual_gradient + (size_t)n * ${residual_gradient_image};
            for (int j = 0; j < 2 * PIECES; j++) {
                const vf slow = (1.0f - turn[j]) * (1.0f + turn[j]) * (j < PIECES ? 0.5f : 0.25f);
                const vf whole = sum[j] * slow;
                for (int lane = 0; lane < V && k * V + lane < C; lane++)
                    row[j * C + k * V + lane] = whole[lane];
            }
            for (int c = 2 * PIECES * C; k == 0 && c < ${RESIDUALS}; c++)
                row[c] = 0; /* the last block's padding */
$ end
        }
}

