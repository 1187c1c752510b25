/* Mean over batch and outputs of (out - target)^2, and its gradient. */
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
                const float distance = x[at] - target[c * PIXELS + p];
                sum += distance * distance;
                g[at] = 2 * distance / ((float)count * OUTPUTS);
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

