-- Layers for `bench layers`: ResNet-50's 1 x 1 convolutions (He et al. 2015, table 1).
local o = options { batch = 16 }

return network {
  name  = "pointwise",
  input = image(3, 32, 32),
  conv(64, 3, { pad = 13 }), -- 56 x 56
  conv(256, 1, { name = "conv_64_256_at_56" }),
  conv(64, 1, { name = "conv_256_64_at_56" }),
  conv(512, 1, { stride = 2, name = "conv_64_512_stride_2" }),
  conv(128, 1, { name = "conv_512_128_at_28" }),
  conv(512, 1, { name = "conv_128_512_at_28" }),
  conv(1024, 1, { stride = 2, name = "conv_512_1024_stride_2" }),
  conv(256, 1, { name = "conv_1024_256_at_14" }),
  conv(1024, 1, { name = "conv_256_1024_at_14" }),
  conv(2048, 1, { stride = 2, name = "conv_1024_2048_stride_2" }),
  conv(512, 1, { name = "conv_2048_512_at_7" }),
  conv(2048, 1, { name = "conv_512_2048_at_7" }),
  globalpool(), flatten(), linear(10),
  loss  = cross_entropy(),
  data  = cifar10(),
  train = { batch = o.batch, epochs = 1, optimizer = sgd(), lr = 0.01 },
}
