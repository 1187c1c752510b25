$ -- Backward through the steps; values are recomputed from raw.
$ local rows = ROWS
$ -- The bias' gradient may be a small rest of large numbers. What its sum rounds off is in a row
$ -- of its own; not of the few numbers of a window, since that takes time.
$ local slots = rows + (sums_bias and 1 or 0)
$ local few = pooled and POOL_H * POOL_W <= 4
$ local add_bias = "lathe_add_exactly(&total[0], &total[" .. rows .. "], row[0]);"
$ local row_ends = {}
$ for r = 0, slots - 1 do
$   local plain = "total[" .. r .. "] += row[" .. r .. "];"
$   row_ends[r + 1] = sums_bias and r == 0 and add_bias or plain
$ end
$ local row = rows > 0 and "row" or "NULL"
$ local one = function(s) return {steps = {s}, V = V} end
$ local unused = {} -- perhaps: operands of a last step
$ for _, s in ipairs(steps) do
$   if s.kind == "add" then unused[#unused + 1] = ", (void)other" .. s.number end
$   if s.kind == "gate" then unused[#unused + 1] = ", (void)kept" .. s.number end
$   if s.kind == "norm" then
$     unused[#unused + 1] = ", (void)scale" .. s.number .. ", (void)beta" .. s.number
$   end
$ end
/* Pixel (h, w) of channel block k of sample n: from the gradient g after the last step to raw's. */
LATHE_INLINE void ${name}_pixel(${inner_parameters}, int n, int k, int h, int w, vf g, vf *row)
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, H = ${H}, W = ${W} };
    const size_t at = ((size_t)k * (H * W) + h * W + w) * V;
$ if #steps > 0 then
    vf v = lathe_load(raw + (size_t)n * ${raw_image} + at);
$   local least = reversed[#reversed] and reversed[#reversed].number or 1
$   local most = reversed[1] and reversed[1].number or 0
$   for _, s in ipairs(steps) do
$     if s.number <= most then
    const vf v${s.number} = v;
    (void)v${s.number};
$       if s.number < most then
$         include("steps.c.t", one(s), 4)
$       end
$     end
$   end
    (void)v;
$ end
$ include("steps_back.c.t", {reversed = reversed, V = V}, 4)
$ if accumulates then
    g += lathe_load(accumulate + (size_t)n * ${accumulate_image} + at);
$ end
$ if stores and gated then
    if (kept1)
        lathe_store(raw_gradient + (size_t)n * ${raw_gradient_image} + at, g);
$ elseif stores then
    lathe_store(raw_gradient + (size_t)n * ${raw_gradient_image} + at, g);
$ end
$ if sums_bias and few then
    row[0] += g;
$ elseif sums_bias then
    lathe_add_exactly(&row[0], &row[${rows}], g);
$ end
    (void)n, (void)at, (void)row, (void)g, (void)raw${table.concat(unused)};
}

static void ${name}(${parameters})
{
    enum { V = ${V}, C_BLOCKS = ${C_BLOCKS}, H = ${H}, W = ${W}, POOL_H = ${POOL_H},
           POOL_W = ${POOL_W}, OUT_H = ${POOLED_H}, OUT_W = ${POOLED_W},
           AHEAD = 128 * V }; /* floats on their way, to the second-level cache, beside a window */
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int k = 0; k < C_BLOCKS; k++) {
            const float *gradients =
                out_gradient + (size_t)n * ${out_gradient_image} + (size_t)k * (OUT_H * OUT_W * V);
$ if rows > 0 then
            vf total[${slots}] = {{0}};
$ end
$ if pooled then
            for (int ph = 0; ph < OUT_H; ph++) {
$   if rows > 0 then
                vf row[${slots}] = {{0}};
$   end
                for (int pw = 0; pw < OUT_W; pw++) {
                    vf g = lathe_load(gradients + (ph * OUT_W + pw) * V);
$   if maximum then
                    vf value[POOL_H * POOL_W], pool = lathe_splat(-INFINITY);
                    for (int p = 0; p < POOL_H * POOL_W; p++) {
                        const int h = ph * POOL_H + p / POOL_W, w = pw * POOL_W + p % POOL_W;
                        const size_t at = ((size_t)k * (H * W) + h * W + w) * V;
                        vf v = lathe_load(raw + (size_t)n * ${raw_image} + at);
                        __builtin_prefetch(raw + (size_t)n * ${raw_image} + at + AHEAD, 0, 2);
$     include("steps.c.t", {steps = steps, V = V}, 24)
                        value[p] = v;
                        pool = lathe_max_or_nan(pool, v);
                    }
$     if #pooled_reversed > 0 then
                    vf v = pool;
$       for i, s in ipairs(pooled_steps) do
                    const vf v${s.number} = v;
$         if i < #pooled_steps then
$           include("steps.c.t", one(s), 20)
$         end
$       end
$       include("steps_back.c.t", {reversed = pooled_reversed, V = V}, 20)
$     end
                    vi open = ~(vi){0}; /* lanes whose maximum has not been met */
                    for (int p = 0; p < POOL_H * POOL_W; p++) {
                        const vi here = open & (value[p] == pool);
                        open &= ~here;
                        ${name}_pixel(${inner_names}, n, k, ph * POOL_H + p / POOL_W,
                            pw * POOL_W + p % POOL_W, (vf)((vi)g & here), ${row});
                    }
$   else
                    for (int p = 0; p < POOL_H * POOL_W; p++)
                        ${name}_pixel(${inner_names}, n, k, ph * POOL_H + p / POOL_W,
                            pw * POOL_W + p % POOL_W, g * (1.0f / (POOL_H * POOL_W)),
                            ${row});
$   end
$   if sums_bias and few then
                    ${add_bias}
                    row[0] = (vf){0};
$   end
                }
$   if W % POOL_W > 0 then
                for (int p = 0; p < POOL_H * (W % POOL_W); p++) /* columns in no window */
                    ${name}_pixel(${inner_names}, n, k, ph * POOL_H + p / (W % POOL_W),
                        OUT_W * POOL_W + p % (W % POOL_W), (vf){0}, ${row});
$   end
$   for _, statement in ipairs(row_ends) do
                ${statement}
$   end
            }
$   if H % POOL_H > 0 then
            for (int p = 0; p < (H % POOL_H) * W; p++) /* rows in no window */
                ${name}_pixel(${inner_names}, n, k, OUT_H * POOL_H + p / W, p % W, (vf){0},
                    ${rows > 0 and "total" or "NULL"});
$   end
$ else
            for (int h = 0; h < H; h++) {
$   if rows > 0 then
                vf row[${slots}] = {{0}};
$   end
                for (int w = 0; w < W; w++)
                    ${name}_pixel(${inner_names}, n, k, h, w,
                        lathe_load(gradients + (h * W + w) * V), ${row});
$   for _, statement in ipairs(row_ends) do
                ${statement}
$   end
            }
$ end
$ if sums_bias then
            total[0] += total[${rows}];
$ end
$ for r = 0, rows - 1 do
            lathe_store(sums + (((size_t)n * C_BLOCKS + k) * ${rows} + ${r}) * V, total[${r}]);
$ end
        }
}

