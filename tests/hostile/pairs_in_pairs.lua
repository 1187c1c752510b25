local t = {}
for i = 1, 10000 do t[i] = i end
for key in pairs(t) do for other in pairs(t) do end end
return network { input = vector(2), linear(2) }
