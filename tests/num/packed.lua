-- 1 x 1 convolutions whose pixels are copied tile by tile: with a batchnorm and curves on the way
-- (a curve that is not 0 at 0, idle lanes, a stride, a pool behind, rows of many widths, steps that
-- are read twice and so are not on any way), and of many channels, forward and backward, there to
-- the grids of strides too.
local function block(channels)
  return concat {
    {},
    { batchnorm(), relu(), conv(4 * channels, 1), batchnorm(), relu(), conv(channels, 3) },
  }
end

return network {
  name  = "packed",
  conv(52, 3, { stride = 2 }), -- 16 x 16
  block(12), block(28),
  batchnorm(), sigmoid(), conv(68, 1, { stride = 2, bias = true }), -- 8 x 8
  batchnorm(), relu(), conv(640, 1), batchnorm(), tanh(), avgpool(2), -- 4 x 4
  residual { batchnorm(), relu(), conv(192, 1), relu(), conv(640, 1) },
  conv(640, 1), relu(),
  residual { batchnorm(), relu(), conv(640, 1), shortcut = { conv(640, 1) } },
  conv(520, 1, { stride = { 2, 1 } }), relu(), -- 2 x 4: backward to a grid, in two chunks
  conv(256, 1), batchnorm(), relu(), conv(68, 1, { stride = 2, pad = 1 }),
  globalpool(), flatten(), linear(10),
  loss  = cross_entropy(),
  data  = cifar10 {},
  train = { batch = 4, epochs = 1, optimizer = sgd(), lr = 0.01 },
}
