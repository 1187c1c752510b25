return network {
  input = image(3, 8, 8),
  reshape(3, 8, 9),
}
