local n = select("#", table.unpack({}, math.mininteger, math.maxinteger))
return network { input = vector(2), linear(2) }
