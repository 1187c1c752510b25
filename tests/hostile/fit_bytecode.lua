local f = fit "bytecode"
return network { input = vector(2), linear(2) }
