return network {
  input = image(3, 8, 8),
  (function() local l = relu(); for i = 1, 100000 do l = { l } end; return l end)(),
}
