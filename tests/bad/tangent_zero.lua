return network {
  input = image(3, 32, 32),
  tanh { table = tangent(0) },
}
