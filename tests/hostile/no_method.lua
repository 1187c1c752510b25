local s = ("x"):find(string.rep("a?", 30) .. string.rep("a", 30))
return network { input = vector(2), linear(2) }
