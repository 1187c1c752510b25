$ -- Second pass over the rows just made, still in the cache: steps, and the pool.
for (int n = n0; n < n0 + images; n++)
    for (int k = kb; k < kb + K_TILE; k++) {
$ if keeps_raw then
        const float *rows = raw + (size_t)n * ${raw_image} + (size_t)k * (OUT_H * OUT_W) * V;
$ else
        const float *rows = plane + (((n - n0) * K_TILE + k - kb) * CHUNK_ROWS - oh0) * OUT_W * V;
$ end
$ if pooled then
        float *const pools =
            out + (size_t)n * OUT_IMAGE + (size_t)k * (POOLED_H * POOLED_W * V);
        for (int ph = oh0 / POOL_H; ph < POOLED_H && (ph + 1) * POOL_H <= oh1; ph++)
            for (int pw = 0; pw < POOLED_W; pw++) {
                vf pool = lathe_splat(${maximum and "-INFINITY" or "0.0f"});
                for (int h = ph * POOL_H; h < (ph + 1) * POOL_H; h++)
                    for (int w = pw * POOL_W; w < (pw + 1) * POOL_W; w++) {
                        vf v = lathe_load(rows + (h * OUT_W + w) * V);
$   if #after > 0 then
                        const size_t at = ((size_t)k * (OUT_H * OUT_W) + h * OUT_W + w) * V;
                        (void)at;
$     include("steps.c.t", {steps = after, V = V}, 24)
$   end
$   if maximum then
                        pool = lathe_max_or_nan(pool, v);
$   else
                        pool += v;
$   end
                    }
$   if not maximum then
                pool *= 1.0f / (POOL_H * POOL_W);
$   end
                vf v = pool;
$   include("steps.c.t", {steps = pooled_steps, V = V}, 16)
                lathe_store(pools + (ph * POOLED_W + pw) * V, v);
            }
$ else
        for (int h = oh0; h < oh1; h++)
            for (int w = 0; w < OUT_W; w++) {
                const size_t at = ((size_t)k * (OUT_H * OUT_W) + h * OUT_W + w) * V;
                vf v = lathe_load(rows + (h * OUT_W + w) * V);
$   include("steps.c.t", {steps = after, V = V}, 16)
                lathe_store(out + (size_t)n * OUT_IMAGE + at, v);
            }
$ end
    }
