$ -- What becomes of v, the sum that is block k of a pixel of sample n, and where it is stored; the
$ -- moments of block j of a tile. at: floats from the sample's start; first: it is their shift.
$ -- accumulate_image: false where nothing is added; by_sample: a block is one channel.
$ local needs_at = accumulate_image
$ for _, s in ipairs(steps) do needs_at = needs_at or s.kind == "add" end
$ if biased and by_sample then
v += lathe_splat(bias[k]);
$ elseif biased then
v += lathe_load(bias + k * V);
$ end
$ if needs_at then
const size_t at = ${at};
$ end
$ if accumulate_image then
v += lathe_load(accumulate + (size_t)n * ${accumulate_image} + at);
$ end
$ include("steps.c.t", {steps = steps, V = V})
lathe_${streams and "stream" or "store"}(${to}, v);
$ if gathers then
$ include("steps.c.t", {steps = before_moments, V = V})
if (${first})
    moment[j][0] = v;
const vf distance = v - moment[j][0];
part[0] += v;
part[1] += distance;
part[2] += distance * distance;
$ end
