local f = fit "functions"
return network { input = vector(2), linear(2) }
