$ -- What both orders of Winograd's convolution are made of. Pixels are transformed to
$ -- [position][group of tiles][block][tile][V], sums are [position][block][tile][V]. A position has
$ -- the tiles of one of the shapes, shape 0 all of them.
$ include("winograd_transforms.c.t", _ENV)
$ local widths, most = {}, 0
$ for _, shape in ipairs(shapes) do
$   widths[shape.tile], widths[shape.tile - (shape.narrow > 0 and 1 or 0)] = true, true
$   most = math.max(most, shape.tile)
$ end
$ for tile = most, 1, -1 do
$   if widths[tile] then
$     include("winograd_group.c.t", within({tile = tile}, _ENV))
$   end
$ end
$ for _, shape in ipairs(shapes) do
$   include("winograd_shape.c.t", within({shape = shape}, _ENV))
$ end
/* The shape of position (i, j). */
LATHE_INLINE int ${name}_shape(int i, int j)
{
$ if #shapes > 1 then -- bits: positions that the last row of tiles needs, and the last column
    return (${ROWS_NEEDED} >> i & 1 ? 0 : ${COLUMN_SHAPES}) + (${COLUMNS_NEEDED} >> j & 1 ? 0 : 1);
$ else
    return (void)i, (void)j, 0;
$ end
}

/* K_TILE blocks of channels of a position p, as many of its tiles as so many images have. */
LATHE_INLINE void ${name}_product(const float *restrict pixels, const float *restrict weight,
                                  float *restrict sums, int p, int images, const float *next,
                                  int soon)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    pixels += (size_t)p * PIXELS;
    sums += (size_t)p * SUMS;
    const int shape = ${name}_shape(p / N, p % N);
$ for _, shape in ipairs(shapes) do
    if (shape == ${shape.index})
        ${name}_product${shape.index}(pixels, weight, sums, images, next, soon);
$ end
}

/* A block of channels of the N x N pixels from (h0, w0); edge: some lie outside of the image. */
LATHE_INLINE void ${name}_pixels(const float *image, int h0, int w0, const bool edge,
                                float *const *to)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    vf half[N][N];
    for (int j = 0; j < N; j++) {
        const int w = w0 + j;
        vf x[N], y[N];
        LATHE_UNROLL(${N})
        for (int i = 0; i < N; i++) {
            const int h = h0 + i;
            x[i] = (vf){0};
            if (!edge || (h >= 0 && h < IN_H && w >= 0 && w < IN_W))
                x[i] = lathe_load(image + (h * ROW + w) * V);
        }
        ${name}_input(x, y);
        LATHE_UNROLL(${N})
        for (int i = 0; i < N; i++)
            half[i][j] = y[i];
    }
    for (int i = 0; i < N; i++) {
        vf y[N];
        ${name}_input(half[i], y);
        LATHE_UNROLL(${N})
        for (int j = 0; j < N; j++) {
$ if #shapes > 1 then
            const int shape =
                ${name}_shape(i, j);
            if (to[shape])
                lathe_store(to[shape] + (size_t)(i * N + j) * PIXELS, y[j]);
$ else
            lathe_store(to[0] + (size_t)(i * N + j) * PIXELS, y[j]);
$ end
        }
    }
}

$ if folded then
$ include("winograd_fold.c.t", _ENV)
$ end
/* Block cb of tile (th, tw) of an item's image-th. plane: its pixels, from row 0 or, if folded,
 * from the item's first on, which is row th0 of tiles. */
LATHE_INLINE void ${name}_transform(const float *restrict plane, int th0, int image, int th, int tw,
                                    int cb, float *restrict pixels)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    float *to[] = {
$ for _, shape in ipairs(shapes) do
        ${name}_place${shape.index}(pixels, image, th, tw, cb),
$ end
    };
$ if folded then
    ${name}_pixels(plane + (th * ROW + tw) * M * V, 0, 0, false, to);
    (void)th0;
$ else
    const int h0 = (th0 + th) * STEP + FIRST_H, w0 = tw * STEP + FIRST_W;
    for (int i = 0; i < STEP; i++) /* ask for what the tile below is the first to read */
        LATHE_UNROLL(${STEP})
        for (int j = 0; j < STEP; j++)
            __builtin_prefetch(plane + ((h0 + N + i) * IN_W + tw * STEP + j) * V);
    if (h0 >= 0 && h0 + N <= IN_H && w0 >= 0 && w0 + N <= IN_W)
        ${name}_pixels(plane, h0, w0, false, to);
    else
        ${name}_pixels(plane, h0, w0, true, to);
$ end
}

/* Block k, the j-th of sums, of tile (th, tw) of sample n, the image-th of an item that begins with
 * row oh0 of pixels. */
LATHE_INLINE void ${name}_finish(${inner_parameters}, const float *restrict sums, int n, int k,
                                 int j, int image, int oh0, int th, int tw, float *restrict to,
                                 vf moment[][4], bool first)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    const int at[] = {
$ for _, shape in ipairs(shapes) do
        ${name}_tile${shape.index}(image, th, tw),
$ end
    };
    vf half[M][N];
    LATHE_UNROLL(${N})
    for (int q = 0; q < N; q++) {
        vf x[N], y[M];
        LATHE_UNROLL(${N})
        for (int i = 0; i < N; i++)
            x[i] = lathe_load(sums + (size_t)(i * N + q) * SUMS +
                              at[${name}_shape(i, q)] * V);
        ${name}_output(x, y);
        LATHE_UNROLL(${M})
        for (int i = 0; i < M; i++)
            half[i][q] = y[i];
    }
$ if gathers then
    vf part[3] = {{0}, {0}, {0}};
$ end
    for (int i = 0; i < M; i++) {
        const int h = oh0 + th * M + i;
        vf y[M];
        ${name}_output(half[i], y);
$ if OUT_H % M > 0 then
        if (h >= OUT_H)
            break;
$ end
        LATHE_UNROLL(${M})
        for (int q = 0; q < M; q++) {
            const int w = tw * M + q;
$ if OUT_W % M > 0 then
            if (w >= OUT_W)
                break;
$ end
            vf v = y[q];
$ include("conv_pixel.c.t", {V = V, biased = biased, steps = steps, gathers = gathers,
$   streams = streams and not second_pass, by_sample = false,
$   accumulate_image = accumulates and accumulate_image, before_moments = before_moments,
$   first = "first && i == 0 && q == 0", to = "to + (h * OUT_W + w) * V",
$   at = "((size_t)k * (OUT_H * OUT_W) + h * OUT_W + w) * V"}, 12)
        }
    }
$ if gathers then
    moment[j][1] += part[0];
    moment[j][2] += part[1];
    moment[j][3] += part[2];
$ else
    (void)moment, (void)first, (void)j;
$ end
    (void)in, (void)weight, (void)n, (void)k;
}

