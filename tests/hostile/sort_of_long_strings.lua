local zeros, list = string.rep("\0", 1000000), {}
for i = 1, 40000 do list[i] = zeros end
table.sort(list)
return network { input = vector(2), linear(2) }
