-- 3x3 convolutions whose best method was measured (see check_winograd.c); `bench methods` times
-- both methods of each in training.
return network {
  input = image(3, 32, 32),
  conv(16, 3, { pad = 13 }), -- 56 x 56
  conv(64, 3, { name = "c16_64_at_56" }),
  conv(16, 3, { name = "c64_16_at_56" }),
  conv(128, 1),
  conv(32, 3, { name = "c128_32_at_56" }),
  maxpool(2),
  conv(128, 3, { name = "c32_128_at_28" }),
  conv(128, 3, { name = "c128_128_at_28" }),
  conv(32, 3, { name = "c128_32_at_28" }),
  maxpool(2),
  conv(256, 1),
  conv(256, 3, { name = "c256_256_at_14" }),
  maxpool(2),
  conv(512, 3, { name = "c256_512_at_7" }),
  conv(512, 3, { name = "c512_512_at_7" }),
  maxpool(2),
  conv(512, 3, { name = "c512_512_at_3" }),
  conv(64, 3, { name = "c512_64_at_3" }),
  maxpool(2, { stride = 1 }),
  conv(64, 3, { name = "c64_64_at_2" }),
  globalpool(), flatten(), linear(10),
  loss  = cross_entropy(),
  data  = cifar10(),
  train = { batch = 16, epochs = 1, optimizer = sgd(), lr = 0.01 },
}
