$ -- The samples' numbers to lanes, V samples to an image: see lower_samples.c.
static void ${name}(${parameters})
{
    enum { V = ${V}, FLOATS = ${FLOATS}, WHOLE = FLOATS / V * V };
#pragma omp for nowait
    for (int image = 0; image < (count + V - 1) / V; image++) {
        const float *from = in + (size_t)image * V * FLOATS;
        float *to = out + (size_t)image * ${out_image};
        const int samples = count - image * V < V ? count - image * V : V;
        for (int i = 0; i < WHOLE; i += V) {
            vf turned[V];
            LATHE_UNROLL(${V})
            for (int n = 0; n < V; n++) {
                turned[n] = (vf){0};
                if (n < samples)
                    turned[n] = lathe_load_any(from + n * FLOATS + i);
            }
            lathe_transpose(turned);
            LATHE_UNROLL(${V})
            for (int j = 0; j < V; j++)
                lathe_store(to + (i + j) * V, turned[j]);
        }
        for (int i = WHOLE; i < FLOATS; i++)
            for (int n = 0; n < V; n++)
                to[i * V + n] = n < samples ? from[n * FLOATS + i] : 0;
    }
}

