rawset(conv(8, 3), "units", 1)
return network { input = vector(2), linear(2) }
