return network {
  linear(2), data = arrays { x = string.rep("x", 1000000), y = "y.npy", shape = { 4 }, classes = 2 },
}
