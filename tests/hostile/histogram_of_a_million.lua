return network {
  input = image(3, 8, 8),
  gelu { table = weighted(0.1, { histogram = { from = -9, to = 9, counts = (function()
    local c = {}; for i = 1, 1000000 do c[i] = 1 end; return c end)() } }) },
}
