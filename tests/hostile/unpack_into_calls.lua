local list = {}
for i = 1, 60000 do list[i] = i end
local function f(...) return f(table.unpack(list)) + 1 end
f()
return network { input = vector(2), linear(2) }
