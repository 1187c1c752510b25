$ -- What both orders of Winograd's convolution are made of. Pixels are transformed to
$ -- [position][group of tiles][block][tile][V], sums are [position][block][tile][V].
$ include("winograd_transforms.c.t", _ENV)
/* Where the transformed pixels of block cb of tile t are. */
LATHE_INLINE float *${name}_place(float *pixels, int t, int cb)
{
$ include("winograd_sizes.c.t", _ENV, 4)
$ if NARROW > 0 then
    const int start = t < WIDE * TILE ? 0 : WIDE * TILE, width = TILE - (start > 0);
$ else
    const int start = 0, width = TILE;
$ end
    const int first = start + (t - start) / width * width;
    return pixels + ((size_t)first * IN_BLOCKS + cb * width + t - first) * V;
}

/* Groups that the first of the tiles are in. */
LATHE_INLINE int ${name}_groups(int tiles)
{
$ include("winograd_sizes.c.t", _ENV, 4)
$ if NARROW > 0 then
    if (tiles > WIDE * TILE)
        return WIDE + (tiles - WIDE * TILE + TILE - 2) / (TILE - 1);
$ end
    return (tiles + TILE - 1) / TILE;
}

/* A block of channels of the N x N pixels from (h0, w0); edge: some lie outside of the image. */
LATHE_INLINE void ${name}_pixels(const float *image, int h0, int w0, const bool edge, float *to)
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
        for (int j = 0; j < N; j++)
            lathe_store(to + (size_t)(i * N + j) * PIXELS, y[j]);
    }
}

$ if folded then
$ include("winograd_fold.c.t", _ENV)
$ else
/* Tile t of the images and rows that an item has, from image n0 and row th0 of tiles on. */
LATHE_INLINE void ${name}_tile(const float *restrict in, int n, int th, int tw, int t, int cb,
                               float *restrict pixels)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    const int h0 = th * STEP + FIRST_H, w0 = tw * STEP + FIRST_W;
    const float *image = in + (size_t)n * IN_IMAGE + (size_t)cb * (IN_H * IN_W * V);
    float *to = ${name}_place(pixels, t, cb);
    for (int i = 0; i < STEP; i++) /* ask for what the tile below is the first to read */
        LATHE_UNROLL(${STEP})
        for (int j = 0; j < STEP; j++)
            __builtin_prefetch(image + ((h0 + N + i) * IN_W + tw * STEP + j) * V);
    if (h0 >= 0 && h0 + N <= IN_H && w0 >= 0 && w0 + N <= IN_W)
        ${name}_pixels(image, h0, w0, false, to);
    else
        ${name}_pixels(image, h0, w0, true, to);
}
$ end

$ for tile = TILE, TILE - (NARROW > 0 and 1 or 0), -1 do
$   include("winograd_group.c.t", within({tile = tile}, _ENV))
$ end
/* K_TILE blocks of channels of one position, groups of tiles: sums over all input channels. next:
 * weights that are needed soon, so many, of which AHEAD vectors every four channels come to the
 * cache. */
LATHE_INLINE void ${name}_product(const float *restrict pixels, const float *restrict weight,
                                 float *restrict sums, int groups, const float *next, int soon)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    for (int g = 0; g < groups; g++) {
        const float *share = g * TAPS_AHEAD < soon ? next + g * TAPS_AHEAD : weight;
$ if NARROW > 0 then
        if (g >= WIDE) {
            const int first = WIDE + g * (TILE - 1);
            ${name}_group${tostring(TILE - 1)}(pixels + (size_t)first * IN_BLOCKS * V, weight,
                sums + first * V, share);
            continue;
        }
$ end
        ${name}_group${TILE}(pixels + (size_t)g * TILE * IN_BLOCKS * V, weight,
            sums + g * TILE * V, share);
    }
}

/* Block k of the M x M pixels from (oh0, ow0) of sample n, the j-th of its item's. */
LATHE_INLINE void ${name}_finish(${inner_parameters}, const float *restrict sums, int n, int k,
                                 int j, int oh0, int ow0, float *restrict to, vf moment[][4],
                                 bool first)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    vf half[M][N];
    LATHE_UNROLL(${N})
    for (int q = 0; q < N; q++) {
        vf x[N], y[M];
        LATHE_UNROLL(${N})
        for (int i = 0; i < N; i++)
            x[i] = lathe_load(sums + (size_t)(i * N + q) * SUMS);
        ${name}_output(x, y);
        LATHE_UNROLL(${M})
        for (int i = 0; i < M; i++)
            half[i][q] = y[i];
    }
$ if gathers then
    vf part[3] = {{0}, {0}, {0}};
$ end
    for (int i = 0; i < M; i++) {
        const int h = oh0 + i;
        vf y[M];
        ${name}_output(half[i], y);
$ if OUT_H % M > 0 then
        if (h >= OUT_H)
            break;
$ end
        LATHE_UNROLL(${M})
        for (int q = 0; q < M; q++) {
            const int w = ow0 + q;
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

