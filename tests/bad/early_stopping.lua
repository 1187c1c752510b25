return network {
  flatten(), linear(10),
  data = mnist(),
  train = { batch = 8, epochs = 1, optimizer = sgd(), lr = 1, early_stopping = 3 },
}
