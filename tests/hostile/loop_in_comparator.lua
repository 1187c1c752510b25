table.sort({ 1, 2, 3 }, function(a, b) while true do end end)
return network { input = vector(2), linear(2) }
