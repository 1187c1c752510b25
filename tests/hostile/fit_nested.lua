local f = fit "a/b"
return network { input = vector(2), linear(2) }
