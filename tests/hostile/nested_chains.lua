return network {
  input = image(3, 8, 8),
  (function() local l = relu(); for i = 1, 10000 do l = chain { l } end; return l end)(),
}
