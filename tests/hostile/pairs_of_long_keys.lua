local t, head = {}, string.rep("\0", 10000)
for i = 1, 4000 do t[head .. i] = i end
for key in pairs(t) do end
return network { input = vector(2), linear(2) }
