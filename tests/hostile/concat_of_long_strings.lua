local part, list = string.rep("x", 1000000), {}
for i = 1, 60000 do list[i] = part end
local s = table.concat(list)
return network { input = vector(2), linear(2) }
