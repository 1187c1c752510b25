enum {
    V = ${V}, IN_H = ${IN_H}, IN_W = ${IN_W}, IN_IMAGE = ${in_image}, IN_C = ${IN_C},
    OUT_H = ${OUT_H}, OUT_W = ${OUT_W}, OUT_BLOCKS = ${OUT_BLOCKS},
    TAPS_H = ${TAPS_H}, FIRST_H = ${FIRST_H}, STEP_H = ${STEP_H},
    TAPS_W = ${TAPS_W}, STEP_W = ${STEP_W},
    PADDED_H = ${PADDED_H}, PADDED_W = ${PADDED_W}, PADDED = ${PADDED},
    C_TILE = ${C_TILE}, TILE_ROWS = ${TILE_ROWS}, CHUNK_ROWS = ${CHUNK_ROWS},
    FLOATS = ${FLOATS}, SPLITS = ${SPLITS}, SPLIT_IMAGES = ${SPLIT_IMAGES},
    AHEAD = 64 /* pixels of the gradient on their way */
};
