return network {
  input = image(3, 32, 32),
  name = "while", conv(6, 5),
}
