return network {
  input = vector(3),
  curve { f = function(x) return math.sin(x * x * x * 1e6) end, table = minimax(1e-7, { max = 2 }) },
}
