-- Small convolutions whose training has samples in lanes: padding uneven, wide and none, strides,
-- dilation, one tap, more channels than lanes, biases and none, curves with and without a value at
-- 0, pools that tile, overlap and are padded; a batch that ends within a vector of samples.
-- For test_verify.sh.
return network {
  name = "samples",
  conv(3, { 3, 5 }, { pad = { 2, 3, 0, 1 }, dilation = { 2, 1 } }), tanh(), avgpool(2),
  conv(7, 3, { pad = 4, stride = { 2, 1 }, bias = false }), sigmoid(), maxpool(3, { stride = 1 }),
  conv(18, 1), relu(), conv(5, { 1, 3 }, { stride = 2 }), maxpool(3, { stride = 2, pad = 1 }),
  flatten(), linear(10),
  loss  = cross_entropy(),
  data  = mnist { augment = { crop(21) } },
  train = { batch = 30, epochs = 1, optimizer = sgd {}, lr = 0.01 },
}
