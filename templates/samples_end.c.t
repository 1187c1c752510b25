$ -- From samples in lanes, (N/V, C, PIXELS, V), to blocks of channels, (N, C/V, PIXELS, V), or
$ -- back: see lower_samples.c. What is beyond the last sample or channel is 0.
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_BLOCKS = (C + V - 1) / V, PIXELS = ${PIXELS} };
#pragma omp for nowait collapse(2)
    for (int image = 0; image < (count + V - 1) / V; image++)
        for (int k = 0; k < C_BLOCKS; k++)
            for (int pixel = 0; pixel < PIXELS; pixel++) {
                const int samples = count - image * V < V ? count - image * V : V;
                const int channels = C - k * V < V ? C - k * V : V;
                const size_t lane_at =
                    (size_t)image * ${lanes_image} + (k * V * PIXELS + pixel) * V;
                const size_t block_at =
                    (size_t)image * V * ${blocks_image} + (k * PIXELS + pixel) * V;
$ local from, limit, to, other = "lanes + lane_at + i * (PIXELS * V)", "channels",
$   "blocks + block_at + (size_t)i * " .. blocks_image, "samples"
$ if backward then from, limit, to, other = to, other, from, limit end
                vf turned[V];
                LATHE_UNROLL(${V})
                for (int i = 0; i < V; i++) {
                    turned[i] = (vf){0};
                    if (i < ${limit})
                        turned[i] = lathe_load(${from});
                }
                lathe_transpose(turned);
                LATHE_UNROLL(${V})
                for (int i = 0; i < V; i++)
                    if (i < ${other})
                        lathe_store(${to}, turned[i]);
            }
}

