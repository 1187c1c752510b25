local t = {}
for i = 1, 1e9 do t[i] = function() return i end end
return network { input = vector(2), linear(2) }
