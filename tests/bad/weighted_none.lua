return network {
  input = image(3, 8, 8),
  dynamic { L = 30, Q = 1, I = 3, table = weighted(0.01) },
}
