local t = {}
for i = 1, 100000 do t[i] = 'c' .. i end
local o = options { c = choice(t) }
return network { input = vector(2), linear(2) }
