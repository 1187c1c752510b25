enum {
    V = ${V}, TILE = ${TILE}, N = ${N}, TAPS = ${TAPS}, POSITIONS = N * N,
    IN_H = ${IN_H}, IN_W = ${IN_W}, IN_BLOCKS = ${IN_BLOCKS}, IN_IMAGE = ${in_image},
    FIRST_H = ${FIRST_H}, FIRST_W = ${FIRST_W},
    OUT_H = ${OUT_H}, OUT_W = ${OUT_W}, OUT_IMAGE = ${out_gradient_image},
    TILES_H = ${TILES_H}, TILES_W = ${TILES_W}, TILES = TILES_H * TILES_W,
    SPANS = ${SPANS}, SPAN_BLOCKS = ${SPAN_BLOCKS},
    K_TILE = ${K_TILE}, C_TILE = ${C_TILE}, /* accumulators */
    K_CHUNK = ${K_CHUNK}, C_CHUNK = ${C_CHUNK}, K_CHUNKS = SPAN_BLOCKS / K_CHUNK,
    C_CHUNKS = IN_BLOCKS / C_CHUNK,
    PRODUCTS = POSITIONS * (K_CHUNK / K_TILE) * (C_CHUNK * V / C_TILE), /* of a block of tiles */
    BLOCK = ${BLOCK}, PIXELS = ${PIXELS}, GRADIENTS = ${GRADIENTS}, SUMS = ${SUMS},
    TAP_FLOATS = V * V, WEIGHT_BLOCK = IN_BLOCKS * TAPS * TAPS * TAP_FLOATS, FLOATS = ${FLOATS},
    SPLITS = ${SPLITS}, SPLIT_IMAGES = ${SPLIT_IMAGES}, SLOTS = ${SLOTS}
};
