-- What Winograd's convolution meets: images that tiles of 4 x 4 do not fill, padding of 0, 1 and 2,
-- channels that fill no vector, three blocks of channels, pools of 2 and 3, biases, batchnorm,
-- residual adds before and after a curve, gradients that are added up, groups, many channels.
-- For check_winograd.c; loss: whether it trains.
local o = options { loss = true }

return network {
  name = "winograd",
  input = image(3, 15, 15),
  conv(20, { 1, 2 }, { pad = 0 }), relu(), -- 15 x 14
  conv(36, 3), batchnorm(), relu(), maxpool(3),
  residual { conv(36, 3), batchnorm(), relu(), conv(36, 3) }, relu(),
  residual { conv(36, 3, { bias = false }), batchnorm() }, tanh(),
  conv(48, 3, { pad = { 2, 1, 2, 0 } }), leaky_relu(0.1), avgpool(2),
  conv(32, 3, { pad = 2 }), batchnorm(), relu(), conv(32, 3, { groups = 2 }), relu(),
  conv(40, 3, { pad = 0 }), relu(), conv(640, 3), relu(),
  conv(24, 3), batchnorm(), relu(),
  flatten(), linear(10),
  loss  = o.loss and cross_entropy() or nil,
  data  = o.loss and cifar10 { augment = { crop(15) } } or nil,
  train = o.loss and { batch = 7, epochs = 1, optimizer = sgd {}, lr = 0.01 } or nil,
}
