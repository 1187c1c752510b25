local s = string.rep("x", math.maxinteger)
return network { input = vector(2), linear(2) }
