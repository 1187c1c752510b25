return network {
  linear(2), data = arrays { x = "", y = "y.npy", shape = { 4 }, classes = 2 },
}
