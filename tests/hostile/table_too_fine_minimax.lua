return network {
  input = image(3, 8, 8),
  gelu { table = minimax(1e-12) },
}
