$ -- Element-wise steps on the vector v: channel block k, float index at into tensors shaped as raw;
$ -- n, h, w say which pixel it is.
$ for _, s in ipairs(steps) do
$   if s.kind == "norm" then
v = (v - lathe_load(mean${s.number} + k * ${V})) * lathe_load(scale${s.number} + k * ${V}) +
    lathe_load(beta${s.number} + k * ${V});
$   elseif s.kind == "add" then
v += lathe_load(other${s.number} + at);
$   elseif s.kind == "dropout" then
v *= lathe_dropout(seed, step, ${s.layer}, ${s.threshold}u, ${s.keep_scale}, (uint32_t)n,
                   (uint32_t)(k * ${V}), ${s.h}, ${s.w}, h, w);
$   else
v = ${s.curve}_value(v);
$     if s.tail > 0 then
v = lathe_first_lanes(v, k < ${s.last} ? ${V} : ${s.tail});
$     end
$   end
$ end
