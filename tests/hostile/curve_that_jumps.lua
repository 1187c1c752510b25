return network {
  input = image(3, 8, 8),
  curve { f = function(x) return x < 1 / 3 and 0 or 1 end },
}
