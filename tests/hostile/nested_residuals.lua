return network {
  input = image(3, 8, 8),
  (function() local l = conv(3, 3); for i = 1, 1000 do l = residual { l, name = "r" } end; return l end)(),
}
