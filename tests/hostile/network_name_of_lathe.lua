return network { name = "lathe_model", input = vector(2), linear(2) }
