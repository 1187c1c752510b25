$ -- Row oh of a phase of conv.c.t, tile after tile; to: where its first pixel goes.
$ local moment = gathers and "moment" or "NULL"
$ local function last_of(s)
$   local padded = pixel_lanes and ", padded, oh0" or ""
$   if not gathers or s.first > 0 then return "false" .. padded end
$   local again = s.stop - s.first > s.columns and " && ow == 0" or ""
$   return "i == 0 && oh == oh0" .. again .. padded
$ end
$ local function names_at(ow) -- a tile's input is its own packed pixels
$   if not packs then return inner_names end
$   return (inner_names:gsub("^in,", "packed + ((oh - oh0) * OUT_W + " .. ow .. ") * IN_FLOATS,"))
$ end
$ for _, s in ipairs(segments) do
$   if s.stop - s.first == s.columns then
    ${name}_${images}x${s.columns}(${names_at(s.first)}, n0 + i, kb, cb, oh,
        ${s.first}, ${tostring(s.edge)}, ${to}, ${moment}, ${last_of(s)});
$   else
    for (int ow = ${s.first}; ow < ${s.stop}; ow += ${s.columns})
        ${name}_${images}x${s.columns}(${names_at("ow")}, n0 + i, kb, cb, oh,
            ow, false, ${to}, ${moment}, ${last_of(s)});
$   end
$ end
