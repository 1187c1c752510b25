$ -- Element-wise steps on the vector v: sample n, channel block k, pixel (h, w); at: floats from
$ -- the sample's start in a tensor shaped as raw.
$ for _, s in ipairs(steps) do
$   if s.kind == "norm" then
v = (v - lathe_load(mean${s.number} + k * ${V})) * lathe_load(scale${s.number} + k * ${V}) +
    lathe_load(beta${s.number} + k * ${V});
$   elseif s.kind == "add" then
v += lathe_load(other${s.number} + (size_t)n * ${s.image} + at);
$   elseif s.kind == "gate" then
v = kept${s.number} ? v : (vf){0};
$   elseif s.kind == "scale" then
v *= ${s.scale};
$   elseif s.kind == "dropout" then
v *= lathe_dropout(seed, step, ${s.layer}, ${s.threshold}u, ${s.keep_scale}, (uint32_t)n,
                   (uint32_t)(k * ${V}), ${s.h}, ${s.w}, h, w);
$   elseif s.kind == "learned" then
v = lathe_${s.name}(v, ${s.arguments});
$   else
v = ${s.curve}_value(v);
$   end
$   if (s.tail or 0) > 0 then
v = lathe_first_lanes(v, k < ${s.last} ? ${V} : ${s.tail});
$   end
$ end
