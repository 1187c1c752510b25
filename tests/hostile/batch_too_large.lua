return network {
  input = image(3, 512, 512), conv(64, 3), flatten(), linear(2), loss = mse(),
  data = images { size = { 3, 512, 512 }, classes = 2 },
  train = { batch = 65536, epochs = 1, optimizer = sgd(), lr = 1 },
}
