local list = {}
for i = 1, 60000 do list[i] = i end
local function f(...) while true do local x = select(2, ...) end end
f(table.unpack(list))
return network { input = vector(2), linear(2) }
