return network {
  input = image(3, 32, 32),
  batchnorm { 1e-5 },
}
