conv = nil
return network { input = vector(2), linear(2) }
