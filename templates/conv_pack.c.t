$ -- The pixels of rows oh0 to oh1 in the order in which tiles read them, a tile's blocks of
$ -- channels one after the other, and through the steps before the convolution.
if (there != rest) {
    there = rest;
    for (int k = 0; k < IN_BLOCKS; k++)
        for (int oh = oh0; oh < oh1; oh++) {
            const float *from = in + (size_t)n0 * IN_IMAGE + (size_t)k * (SOURCE_H * SOURCE_W * V);
            float *row = packed + (size_t)(oh - oh0) * (OUT_W * IN_FLOATS);
$ for _, s in ipairs(segments) do
            for (int ow = ${s.first}; ow < ${s.stop}; ow += ${s.columns})
                for (int p = 0; p < ${s.columns}; p++) {
                    const int place = oh * OUT_W + ow + p;
$   if SOURCE_STEP_H * SOURCE_STEP_W > 1 then
                    vf v = lathe_load(from + (place / SOURCE_OUT_W * (SOURCE_STEP_H * SOURCE_W) +
                                              place % SOURCE_OUT_W * SOURCE_STEP_W) * V);
$   else
                    vf v = lathe_load(from + place * V);
$   end
$   include("steps.c.t", {steps = before, V = V}, 20)
                    lathe_store(row + ow * IN_FLOATS + (k * ${s.columns} + p) * V, v);
                }
$ end
        }
}
