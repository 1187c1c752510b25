return network {
  input = image(3, 8, 8),
  name = "x", data = mnist { augment = (function() local l = {}; for i = 1, 100000 do l[i] = hflip() end; return l end)() },
}
