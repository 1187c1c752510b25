local a = string.rep("\0", 1000000)
local b = a .. "x"
while a < b do end
return network { input = vector(2), linear(2) }
