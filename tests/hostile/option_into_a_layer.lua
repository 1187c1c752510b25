-- set: name=a*/ $(id) `id` %s ??/
local o = options { name = "plain" }
return network { input = vector(2), linear(2, { name = o.name }) }
