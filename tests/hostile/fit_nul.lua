local f = fit "a\0b"
return network { input = vector(2), linear(2) }
