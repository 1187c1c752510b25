return network {
  input = image(3, 8, 8),
  residual { relu(), drop = 1 },
}
