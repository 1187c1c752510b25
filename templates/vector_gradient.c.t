$ -- The gradient of a vector (a number a channel, or shared, one): the sum over the samples of row
$ -- ROW of their partial sums.
static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, ROWS = ${ROWS}, ROW = ${ROW}, IMAGE = ${IMAGE} };
$ if shared then
#pragma omp single nowait
    {
        double lanes[V] = {0}, g = 0;
        for (int p = 0; p < count * C_BLOCKS; p++)
            for (int lane = 0; lane < V; lane++)
                lanes[lane] += sums[((size_t)p * ROWS + ROW) * V + lane];
        for (int lane = 0; lane < V; lane++) {
            g += lanes[lane];
            gradient[lane] = 0;
        }
        gradient[0] = (float)g;
    }
$ elseif by_sample then -- a channel is a block; the lanes are samples
#pragma omp for nowait
    for (int c = 0; c < (C_BLOCKS + V - 1) / V * V; c++) {
        double g = 0;
        for (int n = 0; n < count && c < C_BLOCKS; n++)
            for (int lane = 0; lane < V; lane++)
                g += sums[(((size_t)n * C_BLOCKS + c) * ROWS + ROW) * V + lane];
        gradient[c] = (float)g;
    }
$ else
#pragma omp for nowait
    for (int b = 0; b < C_BLOCKS; b++) {
        double g[V] = {0};
        for (int n = 0; n < count; n++)
            for (int lane = 0; lane < V; lane++)
                g[lane] += sums[(size_t)n * IMAGE + (b * ROWS + ROW) * V + lane];
        for (int lane = 0; lane < V; lane++)
            gradient[b * V + lane] = (float)g[lane];
    }
$ end
}
