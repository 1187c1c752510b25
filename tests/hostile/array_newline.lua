return network {
  linear(2), data = arrays { x = "x\n.npy", y = "y.npy", shape = { 4 }, classes = 2 },
}
