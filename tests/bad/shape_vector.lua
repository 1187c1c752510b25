return network {
  input = vector(784),
  linear(10),
  data = mnist(),
}
