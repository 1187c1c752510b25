return network {
  flatten(), linear(2), data = arrays { x = "x.npy", y = "y.npy", shape = { 2, 8, 8 }, classes = 2,
    augment = { color_jitter() } } }
