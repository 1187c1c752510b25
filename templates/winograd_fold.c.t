$ -- Stride 2: the pixels of every second row and column, of which there are four sets, as channels.
/* The rows that tiles from row oh0 of the output on reach over: of block, row and column, channel
 * [channel][a][b] is pixel (2 row + a, 2 column + b) from the first tap's on, 0 outside of the
 * image. */
static void ${name}_fold(const float *restrict image, int oh0, float *restrict folded)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    enum { INSIDE = (1 - FIRST_W) / 2, END = (IN_W - FIRST_W) / 2, ALL = ROW, /* of a row's pairs */
           PAIRS = END < ALL ? END : ALL, HALF_FIRST = FIRST_W + 2 * INSIDE == 1,
           HALF_LAST = PAIRS < ALL && FIRST_W + 2 * PAIRS == IN_W - 1 };
    for (int row = 0; row < PLANE / (ROW * V); row++) {
        for (int cb = 0; cb < IN_BLOCKS; cb++)
            memset(folded + cb * PLANE + row * ROW * V, 0, ROW * V * sizeof(float));
        for (int pair = 0; pair < CHANNELS / 2; pair++) {
            const int h = (oh0 + row) * 2 + FIRST_H + pair % 2;
            if (h < 0 || h >= IN_H)
                continue;
            const float *from = image + (pair / 2 * IN_H + h) * IN_W;
            float *to = folded + pair * 2 / V * PLANE + row * ROW * V + pair * 2 % V;
            if (HALF_FIRST)
                to[(INSIDE - 1) * V + 1] = from[0];
            for (int q = INSIDE; q < PAIRS; q++)
                memcpy(to + q * V, from + FIRST_W + 2 * q, 2 * sizeof(float));
            if (HALF_LAST)
                to[PAIRS * V] = from[IN_W - 1];
        }
    }
}
