table.move({ 1 }, 1, math.maxinteger - 1, 2)
return network { input = vector(2), linear(2) }
