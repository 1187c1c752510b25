static void ${name}(${parameters})
{
    enum { C = ${C}, C_PADDED = ${C_PADDED} };
#pragma omp for nowait
    for (int n = 0; n < count; n++) {
        const float *y = out + (size_t)n * ${out_image};
        const float *g = out_gradient + (size_t)n * ${out_gradient_image};
        float *to = in_gradient + (size_t)n * ${in_gradient_image};
        double sum = 0;
        for (int c = 0; c < C; c++)
            sum += (double)y[c] * g[c];
        const float dot = (float)sum;
        for (int c = 0; c < C_PADDED; c++)
            to[c] = c < C ? y[c] * (g[c] - dot) : 0;
$ if accumulates then
        for (int c = 0; c < C; c++)
            to[c] += accumulate[(size_t)n * ${accumulate_image} + c];
$ end
    }
}

