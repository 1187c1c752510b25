local list = {}
for i = 1, 100000 do list[i] = i end
while true do table.insert(list, table.remove(list, 1)) end
return network { input = vector(2), linear(2) }
