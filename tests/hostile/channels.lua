return network {
  input = image(3, 8, 8),
  conv(1000000000, 3),
}
