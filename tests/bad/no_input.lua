return network {
  linear(10),
}
