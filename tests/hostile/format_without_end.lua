local s = string.format("%s %s %", 1)
return network { input = vector(2), linear(2) }
