return network {
  linear(3),
  data = points "xor",
}
