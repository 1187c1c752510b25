return network {
  input = image(3, 32, 32),
  batchnorm { momentum = 2 },
}
