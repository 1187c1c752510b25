-- A convolution with everything that fuses into it, and a residual.
local o = options { channels = 8 }
return network {
  input = image(1, 8, 8),
  conv(o.channels, 3), batchnorm(), relu(), maxpool(2),
  residual { chain { conv(o.channels, 3), name = "body" } },
  globalpool(), flatten(), dropout(0.2), linear(10),
  loss  = cross_entropy(),
  data  = digits { augment = { crop(8) } },
  train = { batch = 4, epochs = 2, optimizer = adam(), lr = 0.01, clip_value = 0.1 },
}
