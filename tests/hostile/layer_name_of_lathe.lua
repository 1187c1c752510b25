return network {
  input = image(3, 8, 8),
  conv(8, 3, { name = "input" }),
}
