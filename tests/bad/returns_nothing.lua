local n = network { input = vector(2), linear(1) }
