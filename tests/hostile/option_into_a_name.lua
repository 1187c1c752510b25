-- set: name=a"; system("true"); //*/
local o = options { name = "plain" }
return network { name = o.name, input = vector(2), linear(2) }
