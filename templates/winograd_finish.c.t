$ -- Sums of an item's tiles to what the direct kernel makes of them, for K_TILE blocks from kb.
$ local moment = gathers and "moment" or "NULL"
$ if pooled and not keeps_raw then
float plane[ITEM_IMAGES * K_TILE * CHUNK_ROWS * OUT_W * V] __attribute__((aligned(64)));
$ end
$ if gathers then
vf moment[K_TILE][4] = {{{0}}};
$ end
for (int j = 0; j < K_TILE; j++)
    for (int n = n0; n < n0 + images; n++) {
$ if pooled and not keeps_raw then
        float *to = plane + (((n - n0) * K_TILE + j) * CHUNK_ROWS - oh0) * OUT_W * V;
$ elseif keeps_raw then
        float *to = raw + (size_t)n * ${raw_image} + (size_t)(kb + j) * (OUT_H * OUT_W * V);
$ else
        float *to = out + (size_t)n * OUT_IMAGE + (size_t)(kb + j) * (OUT_H * OUT_W * V);
$ end
        for (int th = 0; th * M < oh1 - oh0; th++)
            for (int tw = 0; tw < TILES_W; tw++)
                ${name}_finish(${inner_names}, ${sums}, n, kb + j, j, ${image}, oh0, th, tw, to,
                    ${moment}, n == n0 && th == 0 && tw == 0);
    }
$ if second_pass then
$ include("plane.c.t", _ENV)
$ end
$ if gathers then
for (int j = 0; j < K_TILE; j++)
    for (int m = 0; m < 4; m++)
        lathe_store(moments + (((size_t)item * OUT_BLOCKS + kb + j) * 4 + m) * V, moment[j][m]);
$ end
