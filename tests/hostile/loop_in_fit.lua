local t = fit "endless"
return network { input = vector(2), linear(2) }
