$ -- The reversed steps on the gradient g; v1, v2 ... are the values before step 1, 2 ...
$ for _, s in ipairs(reversed) do
$   if s.kind == "norm" then
const vf normal = (v${s.number} - lathe_load(mean${s.number} + k * ${V})) *
    lathe_load(invstd${s.number} + k * ${V});
$     if s.reduce then
row[0] += g;
row[1] += g * normal;
$     else
g = lathe_load(scale${s.number} + k * ${V}) * (g - lathe_load(mean_g + k * ${V}) - normal *
                                               lathe_load(mean_gx + k * ${V}));
$     end
$   elseif s.kind == "dropout" then
g *= lathe_dropout(seed, step, ${s.layer}, ${s.threshold}u, ${s.keep_scale}, (uint32_t)n,
                   (uint32_t)(k * ${V}), ${s.h}, ${s.w}, h, w);
$   elseif s.kind == "learned" then
$     if s.row then
lathe_${s.name}_sums(v${s.number}, g, row + ${s.row}, ${s.arguments});
$     end
g *= lathe_${s.name}_slope(v${s.number}, ${s.arguments});
$   elseif s.kind == "curve" then
g *= ${s.curve}_slope(v${s.number});
$   elseif s.side then
lathe_store(side${s.number} + (size_t)n * ${s.side_image} + at, g);
$   end
$ end
