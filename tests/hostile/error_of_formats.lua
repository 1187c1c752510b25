error("%s%s%s%n%99999999d")
return network { input = vector(2), linear(2) }
