return network {
  input = image(3, 8, 8),
  gelu { table = tangent(1e-12) },
}
