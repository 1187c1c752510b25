repeat until false
return network { input = vector(2), linear(2) }
