return network {
  input = image(3, 8, 8),
  (function() local l = {}; l[1] = l; return l end)(),
}
