-- Linear layers and curves on numbers: no image, no convolution.
return network {
  input = vector(2),
  linear(20), dynamic { L = 55.9344, Q = 12, I = 0.02924, table = tangent(0.1) },
  linear(1), sigmoid(),
  loss  = mse(),
  data  = points "xor",
  train = { batch = 4, epochs = 100, optimizer = sgd { momentum = 0.9 }, lr = 0.1 },
}
