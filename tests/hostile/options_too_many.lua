local t = {}
for i = 1, 1e6 do t['o' .. i] = i end
local o = options(t)
return network { input = vector(2), linear(2) }
