return network {
  input = image(3, 8, 8),
  concat((function() local l = {}; for i = 1, 1000000 do l[i] = relu() end; return l end)()),
}
