return network {
  input = vector(3),
  curve { f = function(x) return x < 0.5 and 0 or x end },
}
