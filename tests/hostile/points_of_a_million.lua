return network {
  input = image(3, 8, 8),
  piecewise((function() local p = {}; for i = 1, 1000000 do p[i] = { i, i % 2 } end; return p end)()),
}
