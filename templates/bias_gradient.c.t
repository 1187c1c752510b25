static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS} };
#pragma omp for
    for (int c = 0; c < C_BLOCKS * V; c++) {
        double g = 0;
        for (int n = 0; n < count; n++)
            g += sums[((size_t)n * C_BLOCKS + c / V) * V + c % V];
        gradient[c] = (float)g;
    }
}

