local n = select("#", table.unpack({}, 1, 1e8))
return network { input = vector(2), linear(2) }
