$ -- Stride 2: the pixels of every second row and column, of which there are four sets, as channels.
/* The rows that tiles from row oh0 of the output on reach over: [row][column][channel][a][b] is
 * pixel (2 row + a, 2 column + b) from the first tap's on, 0 outside of the image. */
static void ${name}_fold(const float *restrict image, int oh0, float *restrict folded)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    memset(folded, 0, FOLDED * sizeof(float));
    for (int row = 0; row < FOLDED / (ROW * V); row++)
        for (int plane = 0; plane < CHANNELS / 2; plane++) {
            const int h = (oh0 + row) * 2 + FIRST_H + plane % 2;
            const float *from = image + (plane / 2 * IN_H + h) * IN_W;
            float *to = folded + row * ROW * V + plane * 2;
            for (int q = 0, w = FIRST_W; q < ROW && h >= 0 && h < IN_H; q++, w += 2) {
                if (w >= 0 && w < IN_W)
                    to[q * V] = from[w];
                if (w + 1 >= 0 && w + 1 < IN_W)
                    to[q * V + 1] = from[w + 1];
            }
        }
}
