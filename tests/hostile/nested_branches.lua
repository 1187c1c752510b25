return network {
  input = image(3, 8, 8),
  (function() local l = relu(); for i = 1, 20 do l = concat { l, l } end; return l end)(),
}
