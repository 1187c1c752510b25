load("x = 1")()
return network { input = vector(2), linear(2) }
