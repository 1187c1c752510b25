return network {
  input = image(3, 32, 32),
  conv(64, 3), linear(10),
}
