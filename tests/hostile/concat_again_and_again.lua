local list = {}
for i = 1, 60000 do list[i] = "0123456789" end
while true do local s = table.concat(list) end
return network { input = vector(2), linear(2) }
