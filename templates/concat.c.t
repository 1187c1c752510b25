$ -- Channels FIRST .. FIRST + C of the whole: from their tensor, or backward, to it.
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, FIRST = ${FIRST}, PIXELS = ${PIXELS} };
#pragma omp for nowait
    for (int n = 0; n < count; n++) {
        const float *from = in + (size_t)n * ${in_image};
        float *to = out + (size_t)n * ${out_image};
$ if backward then
        for (int k = 0; k < (C + V - 1) / V; k++)
            for (int p = 0; p < PIXELS; p++)
                for (int c = k * V; c < (k + 1) * V; c++) {
                    const size_t at = ((size_t)k * PIXELS + p) * V + c % V;
                    const size_t there =
                        ((size_t)((FIRST + c) / V) * PIXELS + p) * V + (FIRST + c) % V;
                    to[at] = c < C ? from[there] : 0;
$   if accumulates then
                    to[at] += accumulate[(size_t)n * ${accumulate_image} + at];
$   end
                }
$ elseif FIRST % V == 0 then
        memcpy(to + (size_t)FIRST * PIXELS, from,
               (C + V - 1) / V * (PIXELS * (size_t)V) * sizeof(float));
$ else
        for (int k = FIRST / V; k < (FIRST + C + V - 1) / V; k++)
            for (int p = 0; p < PIXELS; p++)
                for (int c = k * V < FIRST ? FIRST : k * V; c < (k + 1) * V; c++) {
                    const int part = c - FIRST;
                    to[((size_t)k * PIXELS + p) * V + c % V] =
                        part < C ? from[((size_t)(part / V) * PIXELS + p) * V + part % V] : 0;
                }
$ end
    }
}

