local list = {}
for i = 1, 2040 do list[i] = conv(8 + i, 3) end
return network {
  list, flatten(), linear(10), data = images { size = { 3, 256, 256 }, classes = 10 },
  train = { batch = 4096, epochs = 1, optimizer = adam(), lr = 0.1 },
}
