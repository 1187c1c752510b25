-- Narrow groups, a depthwise convolution, strides: that leave pixels out, of groups, of odd rows;
-- outputs that go past the caches; averages; bodies that a step may skip, one that begins with a sum.
return network {
  input = image(16, 64, 64),
  conv(32, 3, { groups = 4 }), relu(), avgpool(2),
  residual { conv(32, 3, { groups = 32 }), batchnorm(), relu(), conv(32, 3, { groups = 8 }), drop = 0.3 },
  residual { residual { conv(32, 1) }, conv(32, 1), drop = 0.2 },
  conv(256, 1, { stride = 2 }), relu(),
  conv(32, 3, { stride = 2, groups = 8, pad = 0 }), conv(16, 3, { stride = 2 }),
  globalpool(), flatten(), linear(2),
  loss  = cross_entropy(),
}
