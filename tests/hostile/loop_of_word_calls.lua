while true do conv(8, 3) end
return network { input = vector(2), linear(2) }
