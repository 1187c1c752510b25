return network {
  input = image(3, 32, 32),
  prelu(0.25),
}
