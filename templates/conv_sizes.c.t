enum {
    V = ${V}, IN_H = ${IN_H}, IN_W = ${IN_W},
    IN_BLOCK = ${IN_BLOCK}, IN_BLOCKS = ${IN_BLOCKS}, LAST_BLOCK = ${LAST_BLOCK},
    IN_IMAGE = ${in_image}, OUT_IMAGE = ${out_image},
    OUT_H = ${OUT_H}, OUT_W = ${OUT_W}, OUT_BLOCKS = ${OUT_BLOCKS}, SPAN_BLOCKS = ${SPAN_BLOCKS},
    FULL_H = ${FULL_H}, FULL_W = ${FULL_W}, OUT_STEP_H = ${OUT_STEP_H}, OUT_STEP_W = ${OUT_STEP_W},
    OUT_FIRST_H = ${OUT_FIRST_H}, OUT_FIRST_W = ${OUT_FIRST_W},
    IN_STEP_H = ${IN_STEP_H}, IN_STEP_W = ${IN_STEP_W},
    TAPS_H = ${TAPS_H}, FIRST_H = ${FIRST_H}, STEP_H = ${STEP_H},
    TAPS_W = ${TAPS_W}, FIRST_W = ${FIRST_W}, STEP_W = ${STEP_W},
    TAPS = ${TAPS}, TAP_FIRST = ${TAP_FIRST}, TAP_ROW = ${TAP_ROW}, TAP_COLUMN = ${TAP_COLUMN},
    TAP_FLOATS = ${WEIGHT_ROWS} * V, WEIGHT_BLOCK = IN_BLOCKS * TAPS * TAP_FLOATS,
$ if packs then
    SOURCE_H = ${SOURCE_H}, SOURCE_W = ${SOURCE_W}, SOURCE_OUT_W = ${SOURCE_OUT_W},
    SOURCE_STEP_H = ${SOURCE_STEP_H}, SOURCE_STEP_W = ${SOURCE_STEP_W},
    IN_FLOATS = IN_BLOCKS * IN_BLOCK, /* of a pixel */
$ end
$ if narrow then
    GROUP_IN = ${GROUP_IN}, GROUP_OUT = ${GROUP_OUT}, IMAGE_BLOCKS = ${IMAGE_BLOCKS},
$ end
$ if by_sample then
    WEIGHT_ROWS = ${WEIGHT_ROWS}, PACKED_BLOCKS = ${PACKED_BLOCKS},
$ end
$ if pixel_lanes then
    IN_C = ${IN_C}, OUT_C = ${OUT_C}, PADDED_H = ${PADDED_H}, PADDED_W = ${PADDED_W},
    PADDED = ${PADDED}, TURNS = ${TURNS},
$ end
    K_TILE = ${K_TILE}, K_TILES = ${K_TILES}, ITEM_IMAGES = ${ITEM_IMAGES},
    BLOCK_CHUNK = ${BLOCK_CHUNK}, CHUNK_ROWS = ${CHUNK_ROWS}, CHUNKS = ${CHUNKS},
    POOL_H = ${POOL_H}, POOL_W = ${POOL_W}, POOLED_H = ${POOLED_H}, POOLED_W = ${POOLED_W},
$ if pooled and not keeps_raw then
    TO_IMAGE = 0, TO_BLOCK = CHUNK_ROWS * OUT_W
$ else
    TO_IMAGE = ${keeps_raw and raw_image or out_image} / V, TO_BLOCK = FULL_H * FULL_W
$ end
};
