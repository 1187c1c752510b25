local s = string.format("%p", {})
return network { input = vector(2), linear(2) }
