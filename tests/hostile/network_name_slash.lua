return network { name = "../a", input = vector(2), linear(2) }
