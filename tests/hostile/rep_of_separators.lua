local s = string.rep("", 1000, string.rep("x", 10000))
return network { input = vector(2), linear(2) }
