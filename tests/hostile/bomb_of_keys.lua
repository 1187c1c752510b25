local t = {}
for i = 1, 1e9 do t[i * 1e10] = {} end
return network { input = vector(2), linear(2) }
