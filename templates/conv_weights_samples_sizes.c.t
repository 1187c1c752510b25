enum {
    V = ${V}, IN_C = ${IN_C}, IN_H = ${IN_H}, IN_W = ${IN_W},
    OUT_C = ${OUT_C}, OUT_H = ${OUT_H}, OUT_W = ${OUT_W},
    IN_STEP_H = ${IN_STEP_H}, IN_STEP_W = ${IN_STEP_W},
    TAPS_H = ${TAPS_H}, FIRST_H = ${FIRST_H}, STEP_H = ${STEP_H},
    TAPS_W = ${TAPS_W}, FIRST_W = ${FIRST_W}, STEP_W = ${STEP_W}, TAPS = TAPS_H * TAPS_W,
    WEIGHT_ROWS = ${WEIGHT_ROWS}, PACKED_BLOCKS = ${PACKED_BLOCKS},
    K_TILE = ${K_TILE}, CHUNK_ROWS = ${CHUNK_ROWS}, FLOATS = ${FLOATS},
    SPLITS = ${SPLITS}, SPLIT_IMAGES = ${SPLIT_IMAGES}
};
