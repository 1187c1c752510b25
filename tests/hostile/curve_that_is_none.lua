return network {
  input = image(3, 8, 8),
  curve { f = function(x) return 0 / 0 end },
}
