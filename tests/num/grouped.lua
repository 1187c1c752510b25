-- What narrow groups' kernels meet: groups of 4, 8 and 3 to 6 channels, depthwise 3x3 and 5x5,
-- strides, a dilation, padding that is not the same on all sides, batchnorm, outputs too large for
-- the caches at 65 samples. For check_streams.c.
return network {
  name = "grouped",
  input = image(16, 64, 64),
  conv(16, 3, { groups = 4 }), relu(), conv(16, 3, { groups = 16 }), batchnorm(),
  conv(16, 5, { groups = 2, stride = 2 }), relu(),
  conv(32, 3, { groups = 8, stride = { 1, 2 }, pad = { 2, 1, 0, 1 } }),
  conv(24, { 3, 1 }, { groups = 8 }), conv(48, 3, { groups = 8, dilation = 2 }),
  conv(48, 5, { groups = 48, stride = 2 }),
  globalpool(), flatten(), linear(2),
  loss  = cross_entropy(),
  data  = arrays { x = "x.npy", y = "y.npy", shape = { 16, 64, 64 }, classes = 2 },
  train = { batch = 65, epochs = 1, optimizer = sgd {}, lr = 0.01 },
}
