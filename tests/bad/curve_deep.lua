return network {
  input = vector(3),
  curve { f = function(x) local function g(n) return 1 + g(n) end return g(x) end },
}
