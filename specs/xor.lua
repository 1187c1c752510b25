-- Exclusive or with one hidden layer: the smallest network that is not linear.
return network {
  input = vector(2),
  linear(8), tanh(), linear(1), sigmoid(),
  loss  = mse(),
  data  = points "xor",
  train = { batch = 4, epochs = 500, optimizer = adam(), lr = 0.05 },
}
