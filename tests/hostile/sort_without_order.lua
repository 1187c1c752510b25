local list = {}
for i = 1, 1000 do list[i] = i end
table.sort(list, function() return true end)
return network { input = vector(2), linear(2) }
