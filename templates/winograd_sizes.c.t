enum {
    V = ${V}, M = ${M}, N = ${N}, POSITIONS = N * N, /* tiles of M x M pixels from N x N, */
    STEP = ${STEP},                                  /* which are so far apart */
    IN_H = ${IN_H}, IN_W = ${IN_W}, IN_BLOCKS = ${IN_BLOCKS}, FIRST_H = ${FIRST_H},
    FIRST_W = ${FIRST_W}, IN_IMAGE = ${in_image},
    OUT_H = ${OUT_H}, OUT_W = ${OUT_W}, OUT_BLOCKS = ${OUT_BLOCKS}, OUT_IMAGE = ${out_image},
    TILES_W = ${TILES_W}, CHUNK_TILES = ${CHUNK_TILES}, CHUNK_ROWS = CHUNK_TILES * M,
    CHUNKS = ${CHUNKS}, ITEM_IMAGES = ${ITEM_IMAGES},
    TILES = ${TILES}, K_TILE = ${K_TILE}, K_CHUNK = ${K_CHUNK},
    K_TILES = K_CHUNK / K_TILE,
    ITEM_BLOCKS = ${ITEM_BLOCKS}, SHARES = OUT_BLOCKS / ITEM_BLOCKS, AHEAD = ${AHEAD},
    CHANNELS = ${CHANNELS}, LAST_CHANNELS = ${LAST_CHANNELS}, ROW = ${ROW}, FOLDED = ${FOLDED},
    PLANE = FOLDED / IN_BLOCKS, /* of a block of folded pixels */
    TAPS = K_TILE * IN_BLOCKS * V * V, TAPS_AHEAD = CHANNELS / 4 * AHEAD * V,
    PIXELS = (TILES * IN_BLOCKS + 1) * V, /* of a position, transformed */
    SUMS = (K_CHUNK * TILES + 1) * V,
    POOL_H = ${POOL_H}, POOL_W = ${POOL_W}, POOLED_H = ${POOLED_H}, POOLED_W = ${POOLED_W}
};
