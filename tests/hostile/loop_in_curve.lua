return network {
  input = image(3, 8, 8),
  curve { f = function(x) while true do end end },
}
