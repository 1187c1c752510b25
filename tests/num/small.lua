-- A small network with one of everything that has a kernel of its own: strides, groups, overlapping
-- and global pools, both kinds of shortcut, channels that fill no vector. For test_sanitized.sh and
-- check_program.c.
local o = options { data = choice { "digits", "cifar10" } }
local data = ({ digits = digits, cifar10 = cifar10 })[o.data]

local curve = dynamic { L = 55.9344, Q = 12, I = 0.02924, table = tangent(0.1) }

return network {
  name = "small",
  conv(12, 3), batchnorm(), curve, maxpool(2),
  residual {
    conv(12, 3, { bias = false }), batchnorm(), relu(), conv(12, 3), batchnorm(),
    residual { conv(12, 3), lrn { size = 3 }, drop = 0.3 }, drop = 0.2,
  },
  curve,
  residual {
    conv(20, 3, { stride = 2 }), batchnorm(), tanh(), conv(20, 3),
    shortcut = { conv(20, 1, { stride = 2 }), batchnorm() },
  },
  relu(), maxpool(3, { stride = 2, pad = 1 }), dropout(0.1),
  conv(24, { 1, 3 }, { groups = 4, dilation = { 1, 2 } }), avgpool(2, { stride = 1 }),
  conv(16, 2, { pad = 0 }), leaky_relu(0.1),
  concat { chain {}, { batchnorm(), relu(), conv(32, 3) }, concat { conv(5, 1), maxpool(1) } },
  globalpool(),
  flatten(), linear(10), softmax(),
  data  = data { augment = { crop(24, { pad = 2, mode = "reflect" }), hflip() } },
  train = { batch = 20, epochs = 1, optimizer = sgd { momentum = 0.9 }, lr = 0.01 },
}
