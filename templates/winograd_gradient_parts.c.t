$ -- What the gradient of 3 x 3 weights by Winograd's method is made of: see winograd_gradient.c.t.
$ include("winograd_transforms.c.t", _ENV)
/* The pixels that one tile of the gradient met; outside of the image they are 0. */
static void ${name}_pixels(const float *image, int h0, int w0, float *restrict to)
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    enum { LAST_W = (TILES_W - 1) * TILE + FIRST_W };
    vf half[N][N];
    for (int i = 0; i < N; i++) {
        const int h = h0 + i;
        vf x[N];
        LATHE_UNROLL(${N})
        for (int j = 0; j < N; j++) {
            const int w = w0 + j;
            x[j] = (vf){0};
            if (h >= 0 && h < IN_H && (FIRST_W + j >= 0 || w >= 0) &&
                (LAST_W + j < IN_W || w < IN_W))
                x[j] = lathe_load(image + (h * IN_W + w) * V);
        }
        ${name}_input(x, half[i]);
    }
    LATHE_UNROLL(${N})
    for (int j = 0; j < N; j++) {
        vf x[N], y[N];
        LATHE_UNROLL(${N})
        for (int i = 0; i < N; i++)
            x[i] = half[i][j];
        ${name}_input(x, y);
        LATHE_UNROLL(${N})
        for (int i = 0; i < N; i++)
            lathe_store(to + (size_t)(i * N + j) * PIXELS, y[i]);
    }
}

/* One tile of the gradient. */
static void ${name}_gradients(const float *image, int h0, int w0, float *restrict to)
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    enum { LAST_W = (TILES_W - 1) * TILE };
    vf half[TILE][N];
    for (int i = 0; i < TILE; i++) {
        vf x[TILE];
        LATHE_UNROLL(${TILE})
        for (int j = 0; j < TILE; j++) {
            x[j] = (vf){0};
            if ((OUT_H % TILE == 0 || h0 + i < OUT_H) && (LAST_W + j < OUT_W || w0 + j < OUT_W))
                x[j] = lathe_load(image + ((h0 + i) * OUT_W + w0 + j) * V);
        }
        ${name}_filter(x, half[i]);
    }
    LATHE_UNROLL(${N})
    for (int j = 0; j < N; j++) {
        vf x[TILE], y[N];
        LATHE_UNROLL(${TILE})
        for (int i = 0; i < TILE; i++)
            x[i] = half[i][j];
        ${name}_filter(x, y);
        LATHE_UNROLL(${N})
        for (int i = 0; i < N; i++)
            lathe_store(to + (size_t)(i * N + j) * GRADIENTS, y[i]);
    }
}

/* Ask for what the block of tiles from t0 on is made of, while there are products to make: for as
 * many rows of tiles as come to each of this block's PRODUCTS. */
LATHE_INLINE void ${name}_ahead(const float *x, const float *dy, int t0, int product)
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    enum { ROWS = BLOCK * TILE, ALL_ROWS = (C_CHUNK + K_CHUNK) * ROWS,
           SHARE = (ALL_ROWS + PRODUCTS - 1) / PRODUCTS };
    for (int i = product * SHARE; i < product * SHARE + SHARE && i < ALL_ROWS; i++) {
        const int block = i / ROWS, t = t0 + i % ROWS / TILE, n = t / TILES, place = t % TILES;
        const int h = place / TILES_W * TILE + i % TILE, w = place % TILES_W * TILE;
        const float *from = block < C_CHUNK
            ? x + (size_t)n * IN_IMAGE + (block * IN_H + h) * IN_W * V + w * V
            : dy + (size_t)n * OUT_IMAGE + ((block - C_CHUNK) * OUT_H + h) * OUT_W * V + w * V;
        LATHE_UNROLL(${TILE})
        for (int j = 0; j < TILE; j++)
            __builtin_prefetch(from + j * V, 0, 2);
    }
}

/* Add the products of a position's TILES tiles to its sums, which the FIRST start from 0; they are
 * the PRODUCT-th and later of the block before that of tile T_AHEAD, 0: there is none. */
static void ${name}_products(const float *restrict pixels, const float *restrict gradients,
                             float *restrict sums, int tiles, bool first, const float *x,
                             const float *dy, int t_ahead, int product)
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    for (int kb = 0; kb < K_CHUNK; kb += K_TILE)
        for (int c0 = 0; c0 < C_CHUNK * V; c0 += C_TILE) {
            if (t_ahead > 0)
                ${name}_ahead(x, dy, t_ahead, product++);
            const float *pixel = pixels + c0 / V * (BLOCK * V) + c0 % V;
            const float *g = gradients + kb * BLOCK * V;
            float *at = sums + (kb * C_CHUNK * V + c0 * K_TILE) * V;
            vf sum[C_TILE][K_TILE];
            LATHE_UNROLL(${C_TILE})
            for (int c = 0; c < C_TILE; c++)
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++)
                    sum[c][j] = (vf){0};
            LATHE_UNROLL(4)
            for (int t = 0; t < tiles; t++) {
                vf y[K_TILE];
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++)
                    y[j] = lathe_load(g + (j * BLOCK + t) * V);
                LATHE_UNROLL(${C_TILE})
                for (int c = 0; c < C_TILE; c++) {
                    const vf x_c = lathe_splat(pixel[t * V + c]);
                    LATHE_UNROLL(${K_TILE})
                    for (int j = 0; j < K_TILE; j++)
                        sum[c][j] += x_c * y[j];
                }
            }
            LATHE_UNROLL(${C_TILE})
            for (int c = 0; c < C_TILE; c++)
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++) {
                    float *total = at + (c * K_TILE + j) * V;
                    if (!first)
                        sum[c][j] += lathe_load(total);
                    lathe_store(total, sum[c][j]);
                }
        }
}

/* The 3 x 3 weights of an input channel and a block of output channels. */
static void ${name}_taps(const float *restrict sums, float *restrict to)
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    vf half[TAPS][N];
    LATHE_UNROLL(${N})
    for (int j = 0; j < N; j++) {
        vf x[N], y[TAPS];
        LATHE_UNROLL(${N})
        for (int i = 0; i < N; i++)
            x[i] = lathe_load(sums + (size_t)(i * N + j) * SUMS);
        ${name}_output(x, y);
        LATHE_UNROLL(${TAPS})
        for (int i = 0; i < TAPS; i++)
            half[i][j] = y[i];
    }
    LATHE_UNROLL(${TAPS})
    for (int i = 0; i < TAPS; i++) {
        vf y[TAPS];
        ${name}_output(half[i], y);
        LATHE_UNROLL(${TAPS})
        for (int j = 0; j < TAPS; j++)
            lathe_store(to + (i * TAPS + j) * TAP_FLOATS, y[j]);
    }
}

