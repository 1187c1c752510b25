return network {
  input = image(3, 32, 32),
  flatten(), linear(10),
  data = cifar10 { augment = crop(28) },
}
