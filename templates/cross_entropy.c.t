$ if smooths then
/* Mean over the batch of log(sum exp(out)) - sum target * out, where targets are small, that of the
 * label mostly + small; its gradient, (softmax - target) / N. */
$ else
/* Mean over the batch of log(sum exp(out)) - out[label]; its gradient, (softmax - one-hot) / N. */
$ end
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_PADDED = ${C_BLOCKS} * V };
$ if smooths then
    const float mostly = (float)${mostly}, small = (float)${small};
$ end
#pragma omp for nowait
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
$ if smooths then
        float below = mostly * (x[best] - x[label]);
        for (int c = 0; c < C; c++)
            below += small * (x[best] - x[c]);
        loss[n] = logf(sum) + below;
$ else
        loss[n] = logf(sum) + x[best] - x[label];
$ end
        correct[n] = best == label;
        for (int c = 0; c < C; c++)
$ if smooths then
            g[c] = (g[c] / sum - (c == label) * mostly - small) / (float)count;
$ else
            g[c] = (g[c] / sum - (c == label)) / (float)count;
$ end
        for (int c = C; c < C_PADDED; c++)
            g[c] = 0;
    }
    lathe_meet();
#pragma omp single nowait
    lathe_sum_losses(loss, correct, count, result);
}

