-- Convolutions of 3 x 3 taps and stride 2 that Winograd's method makes: images that no tiles fill,
-- padding of 0, 1 and 2, channels that fill no vector, a pool, a batchnorm, a residual add, more
-- channels than the cache has room for. For check_winograd.c; loss: whether it trains.
local o = options { loss = true }

return network {
  name = "strided",
  input = image(3, 31, 31),
  conv(36, { 1, 2 }, { pad = 0 }), relu(), -- 31 x 30
  conv(40, 3, { stride = 2, bias = false }), batchnorm(), relu(),
  residual {
    conv(48, 3, { stride = 2, pad = { 2, 1, 2, 0 } }), tanh(),
    shortcut = { conv(48, 3, { stride = 2, pad = { 2, 1, 2, 0 } }) },
  },
  leaky_relu(0.1),
  conv(640, 3, { stride = 2, pad = 0 }), relu(),
  conv(72, 3, { stride = 2 }), relu(),
  conv(24, 3), relu(), maxpool(2),
  flatten(), linear(10),
  loss  = o.loss and cross_entropy() or nil,
  data  = o.loss and cifar10 { augment = { crop(31) } } or nil,
  train = o.loss and { batch = 7, epochs = 1, optimizer = sgd {}, lr = 0.01 } or nil,
}
