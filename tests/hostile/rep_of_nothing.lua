local s = string.rep("", math.maxinteger)
return network { input = vector(2), linear(2) }
