while true do local s = string.format("%99.99f%99.99e%-99s", 1e308, 1e-308, "x") end
return network { input = vector(2), linear(2) }
