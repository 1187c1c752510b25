return network {
  flatten(), linear(10),
  data = mnist(),
  train = { batch = 8, epochs = 1, optimizer = sgd(), lr = warmup(1, plateau { lr = 1 }) },
}
