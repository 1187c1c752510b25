-- 1 x 1 convolutions of every kind: tiles of four blocks of channels that fill rows and that do
-- not, weights in parts, strides (also with pixels copied side by side, and zeros written beside
-- the gradient's), statistics, gradients that are added to what is there.
return network {
  name  = "pointwise",
  conv(64, 3), -- 19 x 19
  conv(192, 1, { stride = 2, pad = 1 }), -- 11 x 11
  batchnorm(), relu(),
  residual { conv(64, 1), batchnorm(), relu(), conv(192, 1) },
  conv(128, 1, { stride = { 1, 2 } }), -- 11 x 6
  conv(256, 1, { groups = 2 }), relu(),
  conv(256, 1, { stride = { 1, 2 } }), -- 11 x 3
  conv(512, 1, { groups = 2, stride = { 2, 1 } }), -- 6 x 3
  conv(80, 1), maxpool(2),
  conv(128, 1, { stride = 2 }), conv(64, 1),
  globalpool(), flatten(), linear(10),
  loss  = cross_entropy(),
  data  = cifar10 { augment = { crop(21) } },
  train = { batch = 4, epochs = 1, optimizer = sgd(), lr = 0.01 },
}
