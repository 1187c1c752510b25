local s = ("a"):gsub("(a*)*b", "")
return network { input = vector(2), linear(2) }
