$ -- A blocked image to its numbers as one row, channel by channel; backward: a row to the image.
static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, C_BLOCKS = ${C_BLOCKS}, PIXELS = ${PIXELS}, ROW = ${ROW} };
#pragma omp for
    for (int n = 0; n < count; n++) {
$ if backward then
        const float *row = in + (size_t)n * ${in_image};
        float *image = out + (size_t)n * ${out_image};
        for (int c = 0; c < C_BLOCKS * V; c++)
            for (int p = 0; p < PIXELS; p++) {
                const int at = (c / V * PIXELS + p) * V + c % V;
                image[at] = c < C ? row[c * PIXELS + p] : 0;
$   if accumulates then
                image[at] += accumulate[(size_t)n * ${accumulate_image} + at];
$   end
            }
$ else
        const float *image = in + (size_t)n * ${in_image};
        float *row = out + (size_t)n * ${out_image};
        for (int c = 0; c < C; c++)
            for (int p = 0; p < PIXELS; p++)
                row[c * PIXELS + p] = image[(c / V * PIXELS + p) * V + c % V];
        for (int i = C * PIXELS; i < ROW; i++)
            row[i] = 0;
$ end
    }
}

