local s = string.dump(function() end)
return network { input = vector(2), linear(2) }
