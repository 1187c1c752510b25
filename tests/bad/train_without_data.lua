return network {
  input = image(3, 32, 32),
  flatten(), linear(10),
  train = { batch = 8, epochs = 5, optimizer = adam(), lr = 1 },
}
