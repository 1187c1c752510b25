return network {
  linear(2), data = arrays { x = "x.npy\0.txt", y = "y.npy", shape = { 4 }, classes = 2 },
}
