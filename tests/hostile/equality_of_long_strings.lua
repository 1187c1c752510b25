local a, b = string.rep("x", 1000000), string.rep("x", 1000000)
while a == b do end
return network { input = vector(2), linear(2) }
