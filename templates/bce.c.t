/* Mean over batch and outputs of max(0, out) - target * out + log(1 + exp(-|out|)), and its
 * gradient, of 1 / (1 + exp(-out)) - target. */
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_BLOCKS = ${C_BLOCKS}, PIXELS = ${H} * ${W}, OUTPUTS = C * PIXELS };
#pragma omp for nowait
    for (int n = 0; n < count; n++) {
        const float *x = out + (size_t)n * ${out_image};
        const float *target = targets + (size_t)n * OUTPUTS;
        float *g = gradient + (size_t)n * ${gradient_image}, most = -INFINITY;
        double sum = 0; /* of a number for each pixel of a map, perhaps */
        int best = 0;
        memset(g, 0, C_BLOCKS * V * PIXELS * sizeof(float));
        for (int c = 0; c < C; c++)
            for (int p = 0; p < PIXELS; p++) {
                const int at = (c / V * PIXELS + p) * V + c % V;
                const float wanted = target[c * PIXELS + p], small = expf(-fabsf(x[at]));
                sum += (x[at] > 0 ? x[at] : 0) - wanted * x[at] + log1pf(small);
                g[at] = ((x[at] > 0 ? 1 : small) / (1 + small) - wanted) / ((float)count * OUTPUTS);
                if (x[at] > most) {
                    most = x[at];
                    best = c * PIXELS + p;
                }
            }
        loss[n] = (float)(sum / OUTPUTS);
        correct[n] = labels && labels[n] == best;
    }
    lathe_meet();
#pragma omp single nowait
    lathe_sum_losses(loss, correct, count, result);
}

