return network {
  input = image(3, 32, 32),
  [1.5] = conv(6, 5),
}
