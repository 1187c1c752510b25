$ -- What some positions have of an item's tiles: ROWS x COLUMNS of each image, in groups of TILE,
$ -- then of one less.
/* The number of a tile of the image-th image among them; 0 if it is none of them. */
LATHE_INLINE int ${name}_tile${shape.index}(int image, int th, int tw)
{
$ if shape.index > 0 then
    if (th >= ${shape.rows} || tw >= ${shape.columns})
        return 0;
$ end
    return (image * ${shape.rows} + th) * ${shape.columns} + tw;
}

/* Where its transformed pixels of block cb are; NULL if it is none of them. */
LATHE_INLINE float *${name}_place${shape.index}(
    float *pixels, int image, int th, int tw, int cb)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    enum { TILE = ${shape.tile}, WIDE = ${shape.groups - shape.narrow} };
    const int t = ${name}_tile${shape.index}(image, th, tw);
$ if shape.index > 0 then
    if (th >= ${shape.rows} || tw >= ${shape.columns})
        return NULL;
$ end
$ if shape.narrow > 0 then
    const int start = t < WIDE * TILE ? 0 : WIDE * TILE, width = TILE - (start > 0);
$ else
    const int start = 0, width = TILE;
$ end
    const int first = start + (t - start) / width * width;
    return pixels + ((size_t)first * IN_BLOCKS + cb * width + t - first) * V;
}

/* K_TILE blocks of channels of one position: sums over all input channels. next: weights that are
 * needed soon, so many, which come to the cache meanwhile. */
LATHE_INLINE void ${name}_product${shape.index}(
    const float *restrict pixels, const float *restrict weight, float *restrict sums, int images,
    const float *next, int soon)
{
$ include("winograd_sizes.c.t", _ENV, 4)
    enum { TILE = ${shape.tile}, WIDE = ${shape.groups - shape.narrow} };
    const int tiles = images * ${shape.rows * shape.columns};
    for (int first = 0; first < tiles; next += TAPS_AHEAD, soon -= TAPS_AHEAD) {
        const float *share = soon > 0 ? next : weight;
$ if shape.narrow > 0 then
        if (first >= WIDE * TILE) {
            ${name}_group${shape.tile - 1}(pixels + (size_t)first * IN_BLOCKS * V, weight,
                sums + first * V, share);
            first += TILE - 1;
            continue;
        }
$ end
        ${name}_group${shape.tile}(pixels + (size_t)first * IN_BLOCKS * V, weight,
            sums + first * V, share);
        first += TILE;
    }
}

