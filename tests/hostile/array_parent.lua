return network {
  linear(2), data = arrays { x = "../../etc/passwd", y = "y.npy", shape = { 4 }, classes = 2 },
}
