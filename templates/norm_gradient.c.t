static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, PIXELS = ${PIXELS} };
#pragma omp for nowait
    for (int c = 0; c < C_BLOCKS * V; c++) {
        double g = 0, gx = 0;
        for (int n = 0; n < count; n++) {
            const float *from = sums + ((size_t)n * C_BLOCKS + c / V) * (${ROWS} * V) + c % V;
            g += from[0];
            gx += from[V];
        }
        beta_gradient[c] = (float)g;
        gamma_gradient[c] = (float)gx;
        mean_g[c] = (float)(g / ((double)count * PIXELS));
        mean_gx[c] = (float)(gx / ((double)count * PIXELS));
$ if zero_bias then
        bias_gradient[c] = 0; /* the batchnorm takes the mean away, and the bias with it */
$ end
    }
}

