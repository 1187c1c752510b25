return network {
  input = image(3, 8, 8),
  (function() local l, one = {}, conv(8, 3); for i = 1, 1000000 do l[i] = one end; return l end)(),
}
