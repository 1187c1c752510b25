return network {
  input = vector(3),
  curve { f = 3 },
}
