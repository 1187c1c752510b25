-- Layers for `bench layers`: ResNeXt-50's grouped convolutions, 32 groups of 4, 8, 16 and 32
-- channels (Xie et al. 2017, table 1), depthwise ones, and what lies between.
local o = options { batch = 16 }

return network {
  name  = "grouped",
  input = image(3, 32, 32),
  conv(128, 3, { pad = 13 }), -- 56 x 56
  conv(128, 3, { groups = 32, name = "groups_of_4" }),
  conv(128, 3, { groups = 128, name = "depthwise_3x3" }),
  conv(128, 5, { groups = 128, name = "depthwise_5x5" }),
  conv(128, 3, { groups = 128, stride = 2, name = "depthwise_stride_2" }),
  conv(256, 1),
  conv(256, 3, { groups = 32, name = "groups_of_8" }),
  conv(256, 3, { groups = 32, stride = 2, name = "groups_of_8_stride_2" }),
  conv(512, 1),
  conv(512, 3, { groups = 32, name = "groups_of_16" }),
  conv(1024, 3, { groups = 32, stride = 2, name = "groups_of_16_to_32" }),
  conv(1024, 3, { groups = 32, name = "groups_of_32" }),
  globalpool(), flatten(), linear(10),
  loss  = cross_entropy(),
  data  = cifar10(),
  train = { batch = o.batch, epochs = 1, optimizer = sgd(), lr = 0.01 },
}
