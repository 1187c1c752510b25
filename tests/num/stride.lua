-- What a 1 x 1 convolution with a stride meets: pixels copied side by side, zeros written beside
-- the gradient's, past the caches at 17 samples; groups. For check_streams.c.
return network {
  name = "stride",
  input = image(16, 40, 40),
  conv(64, 1), relu(), conv(256, 1, { stride = 2 }), relu(),
  conv(512, 1, { groups = 2, stride = { 1, 4 } }), relu(),
  globalpool(), flatten(), linear(10),
  loss  = cross_entropy(),
  data  = arrays { x = "x.npy", y = "y.npy", shape = { 16, 40, 40 }, classes = 10 },
  train = { batch = 17, epochs = 1, optimizer = sgd {}, lr = 0.01 },
}
