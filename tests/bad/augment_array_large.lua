return network {
  flatten(), linear(2), data = arrays { x = "x.npy", y = "y.npy", shape = { 1, 1025, 8 }, classes = 2,
    augment = { hflip() } } }
