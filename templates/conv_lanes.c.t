$ -- Pixels in the lanes: a vector of them meets a weight; see lower_lanes.c. Where registers are
$ -- left, two sums of a channel take turns, tap by tap: one would wait for itself.
(void)in, (void)in_block0, (void)cb1, (void)edge;
vf across[TURNS][OUT_C][${vectors}];
LATHE_UNROLL(${TURNS})
for (int turn = 0; turn < TURNS; turn++)
    LATHE_UNROLL(${OUT_C})
    for (int k = 0; k < OUT_C; k++)
        LATHE_UNROLL(${vectors})
        for (int v = 0; v < ${vectors}; v++)
            across[turn][k][v] = (vf){0};
for (int r = 0; r < TAPS_H; r++) {
    const int ih = oh * IN_STEP_H + FIRST_H + r * STEP_H;
    if (ih < 0 || ih >= IN_H)
        continue;
    for (int c = 0; c < IN_C; c++) {
        const float *row = padded + c * PADDED + (oh - oh0 + r * STEP_H) * PADDED_W + ow0;
        const float *weight_row = weight + (c / IN_BLOCK * TAPS + TAP_FIRST + r * TAP_ROW) *
                                  TAP_FLOATS + c % IN_BLOCK * V;
        LATHE_UNROLL(${TAPS_W})
        for (int t = 0; t < TAPS_W; t++) {
            vf pixels[${vectors}];
            LATHE_UNROLL(${vectors})
            for (int v = 0; v < ${vectors}; v++)
                pixels[v] = lathe_load_any(row + t * STEP_W + v * V);
            LATHE_UNROLL(${OUT_C})
            for (int k = 0; k < OUT_C; k++) {
                const vf tap = lathe_splat(weight_row[t * TAP_COLUMN * TAP_FLOATS + k]);
                LATHE_UNROLL(${vectors})
                for (int v = 0; v < ${vectors}; v++)
                    across[t % TURNS][k][v] += pixels[v] * tap;
            }
        }
    }
}
LATHE_UNROLL(${vectors})
for (int v = 0; v < ${vectors}; v++) {
    vf turned[V];
    LATHE_UNROLL(${V})
    for (int k = 0; k < V; k++)
        turned[k] = (vf){0};
    LATHE_UNROLL(${OUT_C})
    for (int k = 0; k < OUT_C; k++)
        turned[k] = ${TURNS > 1 and "across[0][k][v] + across[1][k][v]" or "across[0][k][v]"};
    lathe_transpose(turned);
    LATHE_UNROLL(${V})
    for (int i = 0; i < V; i++)
        if (v * V + i < PIXELS)
            sum[v * V + i][0] = turned[i];
}
