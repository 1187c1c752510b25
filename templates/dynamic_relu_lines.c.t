$ -- The straight lines of the V channels of block k of sample n.
vf slope[PIECES], shift[PIECES], turn[2 * PIECES]; /* turn: tanh(residual / 2) */
for (int j = 0; j < 2 * PIECES; j++) {
    const float *residual = residuals + (size_t)n * ${residuals_image} + j * C + k * V;
    vf r = {0};
    for (int lane = 0; lane < V && k * V + lane < C; lane++)
        r[lane] = residual[lane];
    turn[j] = lathe_tanh(r * 0.5f);
}
for (int j = 0; j < PIECES; j++) {
    slope[j] = turn[j] + (j == 0 ? 1.0f : 0.0f);
    shift[j] = turn[PIECES + j] * 0.5f;
}
