-- Convolutions to few channels, whose kernels have pixels in their lanes: rows of more than two
-- vectors and of less than one, padding wider than the kernel needs, uneven, none, dilation, input
-- in planes and in blocks (more than one), pools, batchnorm, a residual add, biases and none.
-- For test_verify.sh.
return network {
  name = "lanes",
  conv(3, 3, { pad = 4 }), batchnorm(), relu(), maxpool(2), -- 35 x 35, 17 x 17
  conv(5, { 3, 5 }, { pad = { 2, 3, 0, 1 }, dilation = { 2, 1 } }), tanh(), avgpool(2),
  residual { conv(5, 3, { pad = 1 }), batchnorm(), relu(), conv(5, 3) }, relu(),
  conv(20, 3, { pad = 2 }), relu(), conv(2, 3, { bias = false }), batchnorm(),
  conv(1, { 1, 3 }), relu(), conv(4, 5, { pad = 0 }),
  flatten(), linear(10),
  loss  = cross_entropy(),
  data  = cifar10 { augment = { crop(29) } },
  train = { batch = 5, epochs = 1, optimizer = sgd {}, lr = 0.01 },
}
