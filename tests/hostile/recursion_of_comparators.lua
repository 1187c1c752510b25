local function f() table.sort({ 2, 1 }, function() f() end) end
f()
return network { input = vector(2), linear(2) }
