return network {
  input = vector(3),
  curve { f = function(x) return "1" end },
}
