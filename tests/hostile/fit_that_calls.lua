local f = fit "calls"
return network { input = vector(2), linear(2) }
