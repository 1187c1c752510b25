return network {
  input = image(3, 32, 32),
  name = "9 lives", conv(6, 5),
}
