$ -- Weights of narrow groups with input and output exchanged: see struct lathe_parameter's window.
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, IN_BLOCKS = ${IN_BLOCKS}, TAPS = ${TAPS}, WINDOW = ${WINDOW},
           WINDOW_BACK = ${WINDOW_BACK}, GROUP_IN = ${GROUP_IN}, GROUP_OUT = ${GROUP_OUT} };
#pragma omp for nowait
    for (int cb = 0; cb < IN_BLOCKS; cb++) {
        const int first_out = cb * V / GROUP_IN * GROUP_OUT / V;
        float *to = transposed + (size_t)cb * WINDOW_BACK * TAPS * GROUP_OUT * V;
        memset(to, 0, sizeof(float) * WINDOW_BACK * TAPS * GROUP_OUT * V);
        for (int lane = 0; lane < V && cb * V + lane < C; lane++)
            for (int i = 0; i < GROUP_OUT; i++) {
                const int c = cb * V + lane, group = c / GROUP_IN, k = group * GROUP_OUT + i;
                const int kb = k / V, block = c / V - kb * V / GROUP_OUT * GROUP_IN / V;
                const float *from = weight + (((size_t)kb * WINDOW + block) * TAPS * GROUP_IN +
                                              c % GROUP_IN) * V + k % V;
                for (int tap = 0; tap < TAPS; tap++)
                    to[(((kb - first_out) * TAPS + tap) * GROUP_OUT + i) * V + lane] =
                        from[tap * GROUP_IN * V];
            }
    }
}

