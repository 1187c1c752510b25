return network {
  input = image(3, 32, 32),
  prelu { a = 0.25 },
}
