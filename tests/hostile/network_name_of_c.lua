return network { name = "While", input = vector(2), linear(2) }
