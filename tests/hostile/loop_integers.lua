for i = math.mininteger, math.maxinteger do end
return network { input = vector(2), linear(2) }
