return network {
  input = vector(3),
  curve { f = math.sin, table = exact() },
}
