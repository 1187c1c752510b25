local n = #conv(8, 3)
return network { input = vector(2), linear(2) }
