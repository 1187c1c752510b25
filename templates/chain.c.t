static void ${name}(${parameters})
{
$ local store = streams and "lathe_stream" or "lathe_store"
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, H = ${H}, W = ${W}, POOL_H = ${POOL_H},
           POOL_W = ${POOL_W}, OUT_H = ${POOLED_H}, OUT_W = ${POOLED_W},
           AHEAD = 128 * V }; /* floats on their way, to the second-level cache, beside a window */
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int k = 0; k < C_BLOCKS; k++) {
            const float *const from = raw + (size_t)n * ${raw_image};
            float *const to = out + (size_t)n * ${out_image};
$ if pooled then
            for (int ph = 0; ph < OUT_H; ph++)
                for (int pw = 0; pw < OUT_W; pw++) {
                    vf pool = lathe_splat(${maximum and "-INFINITY" or "0.0f"});
                    for (int h = ph * POOL_H; h < (ph + 1) * POOL_H; h++)
                        for (int w = pw * POOL_W; w < (pw + 1) * POOL_W; w++) {
                            const size_t at = ((size_t)k * (H * W) + h * W + w) * V;
                            vf v = lathe_load(from + at);
                            __builtin_prefetch(from + at + AHEAD, 0, 2);
$   include("steps.c.t", {steps = steps, V = V}, 28)
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
$   include("steps.c.t", {steps = pooled_steps, V = V}, 20)
                    ${store}(to + ((size_t)k * (OUT_H * OUT_W) + ph * OUT_W + pw) * V, v);
                }
$ else
            for (int h = 0; h < H; h++)
                for (int w = 0; w < W; w++) {
                    const size_t at = ((size_t)k * (H * W) + h * W + w) * V;
                    vf v = lathe_load(from + at);
$   include("steps.c.t", {steps = steps, V = V}, 20)
                    ${store}(to + at, v);
                }
$ end
        }
$ if streams then
    lathe_streamed();
$ end
}

