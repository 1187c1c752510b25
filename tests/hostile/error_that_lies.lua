error("/etc/passwd:1: root", 0)
return network { input = vector(2), linear(2) }
