local t, s = {}, string.rep("x", 1000000)
for i = 1, 1e9 do t[i] = s .. i end
return network { input = vector(2), linear(2) }
