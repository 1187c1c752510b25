$ -- Gradient of 3 x 3 weights by Winograd's method: see gen/lower_winograd_weights.c. Of a block of
$ -- tiles, pixels and gradients are [position][block of channels][tile][V]; sums are
$ -- [position][K_TILE blocks][input channel][K_TILE][V].
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

/* Add the products of a position's TILES tiles to its sums, which the FIRST start from 0. */
static void ${name}_products(const float *restrict pixels, const float *restrict gradients,
                             float *restrict sums, int tiles, bool first)
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    for (int kb = 0; kb < K_CHUNK; kb += K_TILE)
        for (int c0 = 0; c0 < C_CHUNK * V; c0 += C_TILE) {
            const float *x = pixels + c0 / V * (BLOCK * V) + c0 % V;
            const float *g = gradients + kb * BLOCK * V;
            float *at = sums + (kb * C_CHUNK * V + c0 * K_TILE) * V;
            vf sum[C_TILE][K_TILE];
            LATHE_UNROLL(${C_TILE})
            for (int c = 0; c < C_TILE; c++)
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++)
                    sum[c][j] = first ? (vf){0} : lathe_load(at + (c * K_TILE + j) * V);
            for (int t = 0; t < tiles; t++) {
                vf y[K_TILE];
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++)
                    y[j] = lathe_load(g + (j * BLOCK + t) * V);
                LATHE_UNROLL(${C_TILE})
                for (int c = 0; c < C_TILE; c++) {
                    const vf pixel = lathe_splat(x[t * V + c]);
                    LATHE_UNROLL(${K_TILE})
                    for (int j = 0; j < K_TILE; j++)
                        sum[c][j] += pixel * y[j];
                }
            }
            LATHE_UNROLL(${C_TILE})
            for (int c = 0; c < C_TILE; c++)
                LATHE_UNROLL(${K_TILE})
                for (int j = 0; j < K_TILE; j++)
                    lathe_store(at + (c * K_TILE + j) * V, sum[c][j]);
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

/* Output blocks from kb0 and input blocks from cb0 of a span, images from n0 on. */
static void ${name}_chunk(${inner_parameters}, int n0, int images, int kb0, int cb0, int span,
                          float *restrict gradient, float *restrict scratch)
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    float *pixels = scratch, *gradients = pixels + POSITIONS * PIXELS;
    float *sums = gradients + POSITIONS * GRADIENTS;
    const float *x = in + (size_t)n0 * IN_IMAGE +
                     (size_t)(span * IN_BLOCKS + cb0) * (IN_H * IN_W * V);
    const float *dy = out_gradient + (size_t)n0 * OUT_IMAGE + (size_t)kb0 * (OUT_H * OUT_W * V);
    for (int t0 = 0; t0 < images * TILES; t0 += BLOCK) {
        const int tiles = images * TILES - t0 < BLOCK ? images * TILES - t0 : BLOCK;
        for (int cb = 0; cb < C_CHUNK; cb++)
            for (int t = 0; t < tiles; t++) {
                const int n = (t0 + t) / TILES, place = (t0 + t) % TILES;
                ${name}_pixels(x + (size_t)n * IN_IMAGE + cb * (IN_H * IN_W * V),
                    place / TILES_W * TILE + FIRST_H, place % TILES_W * TILE + FIRST_W,
                    pixels + (cb * BLOCK + t) * V);
            }
        for (int kb = 0; kb < K_CHUNK; kb++)
            for (int t = 0; t < tiles; t++) {
                const int n = (t0 + t) / TILES, place = (t0 + t) % TILES;
                ${name}_gradients(dy + (size_t)n * OUT_IMAGE + kb * (OUT_H * OUT_W * V),
                    place / TILES_W * TILE, place % TILES_W * TILE,
                    gradients + (kb * BLOCK + t) * V);
            }
        for (int p = 0; p < POSITIONS; p++)
            ${name}_products(pixels + p * PIXELS, gradients + p * GRADIENTS,
                             sums + (size_t)p * SUMS, tiles, t0 == 0);
    }
    for (int kb = 0; kb < K_CHUNK; kb++)
        for (int c = 0; c < C_CHUNK * V; c++)
            ${name}_taps(sums + (kb / K_TILE * (C_CHUNK * V) + c) * (K_TILE * V) + kb % K_TILE * V,
                gradient + (size_t)(kb0 + kb) * WEIGHT_BLOCK +
                    (size_t)(cb0 + c / V) * (TAPS * TAPS * TAP_FLOATS) + c % V * V);
}

static void ${name}(${parameters})
{
$ include("winograd_gradient_sizes.c.t", _ENV, 4)
    enum { CHUNKS = SPANS * K_CHUNKS * C_CHUNKS };
    const int items = (count + SPLIT_IMAGES - 1) / SPLIT_IMAGES * CHUNKS;
    /* a slot of scratch memory a thread; where there are more threads, some have none */
    const bool few = lathe_threads() <= SLOTS;
#pragma omp for nowait schedule(dynamic)
    for (int share = 0; share < (few ? items : SLOTS); share++)
        for (int item = share; item < items; item += few ? items : SLOTS) {
            const int slot = few ? lathe_thread() : share, split = item / CHUNKS;
            const int kc = item % (SPANS * K_CHUNKS), cc = item / (SPANS * K_CHUNKS) % C_CHUNKS;
            const int n0 = split * SPLIT_IMAGES;
            ${name}_chunk(${inner_names}, n0, count - n0 < SPLIT_IMAGES ? count - n0 : SPLIT_IMAGES,
                kc * K_CHUNK, cc * C_CHUNK, kc / K_CHUNKS, gradient + (size_t)split * FLOATS,
                scratch + (size_t)slot * POSITIONS * (PIXELS + GRADIENTS + SUMS));
        }
}

