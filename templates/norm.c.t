/* Partial moments (a number, the sum of all, that of the distances from the number, that of their
 * squares) to mean, inverse deviation and scale; moves the running statistics. The mean is that of
 * the smaller sum, which is rounded less. In double, in a fixed order (Chan, Golub, LeVeque:
 * "Updating formulae and a pairwise algorithm", 1979). */
static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, IMAGES = ${IMAGES}, CHUNKS = ${CHUNKS},
           CHUNK_ROWS = ${CHUNK_ROWS}, H = ${H}, W = ${W} };
    const int partials = (count + IMAGES - 1) / IMAGES * CHUNKS;
#pragma omp for nowait
    for (int c = 0; c < C_BLOCKS * V; c++) {
        double n = 0, average = 0, squares = 0;
        for (int q = 0; q < partials; q++) {
            const int n0 = q / CHUNKS * IMAGES, h0 = q % CHUNKS * CHUNK_ROWS;
            const int images = count - n0 < IMAGES ? count - n0 : IMAGES;
            const int rows = H - h0 < CHUNK_ROWS ? H - h0 : CHUNK_ROWS;
            const double m = (double)images * rows * W;
            const float *from = moments + ((size_t)q * C_BLOCKS + c / V) * (4 * V) + c % V;
            const double plain = from[V] / m, shift = from[2 * V] / m;
            const double part = fabs(plain) < fabs(shift) ? plain : from[0] + shift;
            const double distance = part - average;
            squares += from[3 * V] - shift * shift * m + distance * distance * n * m / (n + m);
            average += distance * m / (n + m);
            n += m;
        }
        const double variance = squares / n, inverse = 1.0 / sqrt(variance + ${eps});
        mean[c] = (float)average;
        invstd[c] = (float)inverse;
        scale[c] = (float)(gamma[c] * inverse);
        running_mean[c] = (float)((1 - ${momentum}) * running_mean[c] + ${momentum} * average);
        if (n > 1)
            running_var[c] = (float)((1 - ${momentum}) * running_var[c] + ${momentum} * squares /
                                     (n - 1));
    }
}

