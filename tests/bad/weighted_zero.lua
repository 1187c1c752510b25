return network {
  input = image(3, 8, 8),
  tanh { table = weighted(-1, { histogram = { from = -1, to = 1, counts = { 1 } } }) },
}
