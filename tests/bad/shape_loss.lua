return network {
  input = image(3, 32, 32),
  globalpool(), loss = cross_entropy(),
}
