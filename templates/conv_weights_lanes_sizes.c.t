enum {
    V = ${V}, IN_H = ${IN_H}, IN_W = ${IN_W}, IN_BLOCK = ${IN_BLOCK}, IN_BLOCKS = ${IN_BLOCKS},
    IN_IMAGE = ${in_image}, IN_C = ${IN_C}, OUT_C = ${OUT_C}, OUT_H = ${OUT_H}, OUT_W = ${OUT_W},
    TAPS_H = ${TAPS_H}, FIRST_H = ${FIRST_H}, STEP_H = ${STEP_H},
    TAPS_W = ${TAPS_W}, STEP_W = ${STEP_W}, TAPS = TAPS_H * TAPS_W,
    PADDED_H = ${PADDED_H}, PADDED_W = ${PADDED_W}, PADDED = ${PADDED}, TURNED_W = ${TURNED_W},
    CHUNK_ROWS = ${CHUNK_ROWS}, K_TILE = ${K_TILE}, FLOATS = ${FLOATS},
    SPLITS = ${SPLITS}, SPLIT_IMAGES = ${SPLIT_IMAGES}
};
