local t, key = {}, nil
for i = 1, 100000 do t[i * 0.5] = i end
repeat key = next(t, key) until not key
return network { input = vector(2), linear(2) }
