return network {
  input = vector(3),
  elu(1e39),
}
