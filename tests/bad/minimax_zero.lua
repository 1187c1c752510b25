return network {
  input = vector(3),
  gelu { table = minimax(0) },
}
