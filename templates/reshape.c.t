$ -- Numbers in their logical order from one blocked shape to another; lanes beyond C are 0.
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_BLOCKS = ${C_BLOCKS}, PIXELS = ${PIXELS},
           IN_PIXELS = ${IN_PIXELS} };
#pragma omp for nowait
    for (int n = 0; n < count; n++) {
        const float *from = in + (size_t)n * ${in_image};
        float *to = out + (size_t)n * ${out_image};
        for (int c = 0; c < C_BLOCKS * V; c++)
            for (int p = 0; p < PIXELS; p++) {
                const int number = c * PIXELS + p, in_c = number / IN_PIXELS;
                const int at = (c / V * PIXELS + p) * V + c % V;
                to[at] = c < C ? from[(in_c / V * IN_PIXELS + number % IN_PIXELS) * V + in_c % V]
                               : 0;
$ if accumulates then
                to[at] += accumulate[(size_t)n * ${accumulate_image} + at];
$ end
            }
    }
}

