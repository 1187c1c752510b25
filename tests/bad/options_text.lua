local o = options "text"
return network { input = vector(2), linear(2) }
