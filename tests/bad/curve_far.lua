return network {
  input = vector(3),
  curve { f = function(x) return math.sin(x) end, table = minimax(0.1, { max = 1e7 }) },
}
