return network {
  input = vector(3),
  curve { f = function(x) local t = {} for i = 1, 1e9 do t[i] = { i } end return x end },
}
