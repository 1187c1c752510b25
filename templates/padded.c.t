$ -- Copy sample n0's channels into padded, a plane each, with zeros around them: rows from
$ -- oh0 + FIRST_H on.
memset(padded, 0, sizeof padded);
for (int row = 0; row < PADDED_H; row++) {
    const int ih = oh0 + FIRST_H + row;
    if (ih < 0 || ih >= IN_H)
        continue;
    float *const to = padded + row * PADDED_W + ${COPIED_TO};
$ if IN_BLOCK == 1 then
    for (int c = 0; c < IN_C; c++)
        memcpy(to + c * PADDED,
               in + (size_t)n0 * IN_IMAGE + (c * IN_H + ih) * IN_W + ${COPIED_FROM},
               ${COPIED} * sizeof(float));
$ else
    for (int cb = 0; cb < IN_BLOCKS; cb++)
        for (int w = 0; w < ${COPIED}; w += V) {
            const float *from = in + (size_t)n0 * IN_IMAGE +
                                ((cb * IN_H + ih) * IN_W + ${COPIED_FROM} + w) * V;
            vf turned[V];
            LATHE_UNROLL(${V})
            for (int i = 0; i < V; i++) {
                turned[i] = (vf){0};
                if (w + i < ${COPIED})
                    turned[i] = lathe_load(from + i * V);
            }
            lathe_transpose(turned);
            for (int i = 0; i < V && cb * V + i < IN_C; i++)
                lathe_store_any(to + (cb * V + i) * PADDED + w, turned[i]);
        }
$ end
}
