local c = choice { "a", "b" }
return network { input = vector(2), linear(#c.list) }
