return network {
  input = vector(3),
  relu_at(),
}
