local t = { 1 }
while next(t) do end
return network { input = vector(2), linear(2) }
