return network {
  input = image(3, 32, 32),
  flatten(), linear(10),
  data = cifar10 { normalize = { mean = 0.5, std = 0.5 } },
}
