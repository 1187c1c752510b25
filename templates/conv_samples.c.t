$ -- Samples in the lanes: a pixel of a channel of V samples meets a weight for all of them; see
$ -- lower_samples.c. is_exchanged: the weight's input channels are what is made here.
$ local from, to = "cb", "kb"
$ if is_exchanged then from, to = to, from end
(void)in_block0;
$ if TAPS_W > 0 then
for (int cb = cb0; cb < cb1; cb++)
    for (int r = 0; r < TAPS_H; r++) {
        const int ih = oh * IN_STEP_H + FIRST_H + r * STEP_H;
        if (ih < 0 || ih >= IN_H)
            continue;
        const float *in_row = in + (size_t)n0 * IN_IMAGE + (cb * IN_H + ih) * (IN_W * V);
        const float *weight_row =
            weight + ((${to} / V * PACKED_BLOCKS + ${from} / WEIGHT_ROWS) * TAPS + TAP_FIRST +
                      r * TAP_ROW) * TAP_FLOATS + ${from} % WEIGHT_ROWS * V + ${to} % V;
        LATHE_UNROLL(${TAPS_W})
        for (int t = 0; t < TAPS_W; t++) {
            vf pixel[PIXELS];
            LATHE_UNROLL(${pixels})
            for (int p = 0; p < PIXELS; p++) {
                const int column = (ow0 + p) * IN_STEP_W + FIRST_W + t * STEP_W;
                const bool outside = edge && (column < 0 || column >= IN_W);
                pixel[p] = outside ? (vf){0} : lathe_load(in_row + column * V);
            }
            LATHE_UNROLL(${K_TILE})
            for (int j = 0; j < K_TILE; j++) {
                const vf tap = lathe_splat(
                    weight_row[t * TAP_COLUMN * TAP_FLOATS + ${is_exchanged and "j * V" or "j"}]);
                LATHE_UNROLL(${pixels})
                for (int p = 0; p < PIXELS; p++) {
                    const int column = (ow0 + p) * IN_STEP_W + FIRST_W + t * STEP_W;
                    if (edge && (column < 0 || column >= IN_W))
                        continue;
                    sum[p][j] += pixel[p] * tap;
                }
            }
        }
    }
$ else
(void)in, (void)weight, (void)oh, (void)cb1, (void)edge;
$ end
