-- What a first layer of few channels meets, and stores past the caches where the batch is large:
-- padding that is not the same on all sides, 20 of 32 channels, then Winograd's convolution with a
-- batchnorm, with a pool, and with a residual add. For check_streams.c.
return network {
  name = "planar",
  input = image(3, 50, 47),
  conv(20, 3, { pad = { 2, 1, 0, 1 } }), batchnorm(), relu(),
  conv(32, 3), batchnorm(), relu(),
  residual { conv(32, 3), batchnorm(), relu() },
  conv(36, 3), batchnorm(), relu(), maxpool(2),
  globalpool(), flatten(), linear(2),
  loss  = cross_entropy(),
  data  = arrays { x = "x.npy", y = "y.npy", shape = { 3, 50, 47 }, classes = 2 },
  train = { batch = 33, epochs = 1, optimizer = sgd {}, lr = 0.01 },
}
