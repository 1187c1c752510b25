return network { name = "a\nb", input = vector(2), linear(2) }
