return network {
  input = vector(3),
  gelu { a = 1 },
}
