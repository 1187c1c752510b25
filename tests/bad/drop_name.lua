return network {
  input = image(3, 8, 8),
  residual { relu { name = "drop" }, drop = 0.5 },
}
