return network {
  input = vector(3),
  curve { f = function(x) return x * math.log(x) end },
}
