error("one\ntwo\27[2J\0three")
return network { input = vector(2), linear(2) }
