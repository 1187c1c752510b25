return network {
  linear(2), data = arrays { x = "a/../../x.npy", y = "y.npy", shape = { 4 }, classes = 2 },
}
