static void ${name}(${parameters})
{
    enum { V = ${V}, OUT_BLOCKS = ${OUT_BLOCKS}, IN_BLOCKS = ${IN_BLOCKS}, SPANS = ${SPANS},
           TAPS = ${TAPS} };
#pragma omp for nowait collapse(2)
    for (int kb = 0; kb < SPANS * OUT_BLOCKS; kb++)
        for (int cb = 0; cb < IN_BLOCKS; cb++)
            for (int tap = 0; tap < TAPS; tap++) {
                const int span = kb / OUT_BLOCKS;
                const float *from = weight + (((size_t)kb * IN_BLOCKS + cb) * TAPS + tap) * (V * V);
                float *to = transposed + ((((size_t)span * IN_BLOCKS + cb) * OUT_BLOCKS +
                                           kb % OUT_BLOCKS) * TAPS + tap) * (V * V);
                for (int k = 0; k < V; k++)
                    for (int c = 0; c < V; c++)
                        to[k * V + c] = from[c * V + k];
            }
}

