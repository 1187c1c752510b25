local x = math.random()
return network { input = vector(2), linear(2) }
