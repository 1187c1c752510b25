local t = {}
for i = 1, 1e9 do t[i] = i end
return network { input = vector(2), linear(2) }
