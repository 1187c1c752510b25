for i = 1, 1e9 do _ENV["g" .. i] = string.rep("x", 1000) .. i end
return network { input = vector(2), linear(2) }
