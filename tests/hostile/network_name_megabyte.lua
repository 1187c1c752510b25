return network { name = string.rep("x", 1000000), input = vector(2), linear(2) }
