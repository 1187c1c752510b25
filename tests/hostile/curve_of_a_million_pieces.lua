return network {
  input = image(3, 8, 8),
  curve { f = function(x) return math.sin(x) end, table = minimax(1e-9, { max = 1e6 }) },
}
