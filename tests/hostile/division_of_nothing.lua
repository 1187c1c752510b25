local n = 1 // 0
return network { input = vector(2), linear(2) }
