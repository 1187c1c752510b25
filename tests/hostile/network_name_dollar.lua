return network { name = "a$(b)", input = vector(2), linear(2) }
