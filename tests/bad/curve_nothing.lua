return network {
  input = vector(3),
  curve { f = function(x) end },
}
