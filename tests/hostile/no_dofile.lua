dofile("/etc/passwd")
return network { input = vector(2), linear(2) }
