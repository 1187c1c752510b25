return network {
  input = image(3, 32, 32),
  dynamic { L = 1, Q = -2, I = 1, learn = true },
}
