return network {
  input = image(3, 32, 32),
  flatten(), dynamic_relu(),
}
