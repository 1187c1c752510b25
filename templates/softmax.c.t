static void ${name}(${parameters})
{
    enum { C = ${C}, C_PADDED = ${C_PADDED} };
#pragma omp for nowait
    for (int n = 0; n < count; n++) {
        const float *x = in + (size_t)n * ${in_image};
        float *y = out + (size_t)n * ${out_image}, most = x[0];
        double sum = 0;
        for (int c = 1; c < C; c++)
            most = x[c] > most ? x[c] : most;
        for (int c = 0; c < C; c++) {
            y[c] = expf(x[c] - most);
            sum += y[c];
        }
        for (int c = 0; c < C; c++)
            y[c] /= (float)sum;
        for (int c = C; c < C_PADDED; c++)
            y[c] = 0;
    }
}

