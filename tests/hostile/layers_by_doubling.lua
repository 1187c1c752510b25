return network {
  input = image(3, 8, 8),
  (function() local l = { conv(8, 3) }; for i = 1, 40 do l = { l, l } end; return l end)(),
}
