local s = string.format("%99999999d", 1)
return network { input = vector(2), linear(2) }
