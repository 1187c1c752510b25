/* Mean over the batch of log(sum exp(out)) - out[label]; its gradient, (softmax - one-hot) / N. */
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_PADDED = ${C_BLOCKS} * V };
#pragma omp for
    for (int n = 0; n < count; n++) {
        const float *x = out + (size_t)n * ${out_image};
        float *g = gradient + (size_t)n * ${gradient_image};
        double total = 0;
        int best = 0;
        for (int c = 1; c < C; c++)
            best = x[c] > x[best] ? c : best;
        for (int c = 0; c < C; c++) {
            g[c] = expf(x[c] - x[best]);
            total += g[c];
        }
        const float sum = (float)total;
        const int label = labels[n];
        loss[n] = logf(sum) + x[best] - x[label];
        correct[n] = best == label;
        for (int c = 0; c < C; c++)
            g[c] = (g[c] / sum - (c == label)) / (float)count;
        for (int c = C; c < C_PADDED; c++)
            g[c] = 0;
    }
#pragma omp single
    lathe_sum_losses(loss, correct, count, result);
}

