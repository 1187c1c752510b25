-- A residual net tuned by hand for CIFAR-10, where it reached 80 %: blocks of two paths whose
-- results are added, a 1x1 convolution, and activations, batch norm and 3x3 convolutions. Maximum
-- pooling after every second block, dropout between them, then fully connected layers.
--
--     lathe build specs/residual80.lua && out/residual80/train --data DIR
--     lathe sweep specs/residual80.lua --data DIR --over optimizer=sgd,momentum,adagrad,adam \
--         --over lr=0.0005,0.001,0.005,0.01,0.1 --set epochs=10 -o out/rates
--
-- layers: 3x3 convolutions of a block; units and hidden: of the fully connected layers, and how
-- many. augment: colour jitter, a rotation within 45 degrees and a flip, each with p = 0.3.
local o = options {
  blocks = 4, filters = 64, layers = 2, units = 120, hidden = 4, dropout = 0.2,
  optimizer = choice { "adagrad", "sgd", "momentum", "adam" },
  lr = 5e-3, weight_decay = 5e-3, l1 = 0.0,
  batch = 256, epochs = 100,
  augment = choice { "none", "all", "color_jitter", "rotate", "hflip" },
}

local decay = { weight_decay = o.weight_decay, l1 = o.l1 }
local optimizers = {
  adagrad  = function() return adagrad(decay) end,
  sgd      = function() return sgd(decay) end,
  momentum = function()
    return sgd { momentum = 0.9, weight_decay = o.weight_decay, l1 = o.l1 }
  end,
  adam     = function() return adam(decay) end,
}

local all = o.augment == "all"
local augment = {
  (all or o.augment == "color_jitter")
    and color_jitter { brightness = 0.3, contrast = 0.3, saturation = 0.3, hue = 0.1, p = 0.3 },
  (all or o.augment == "rotate") and rotate(45, { p = 0.3 }),
  (all or o.augment == "hflip") and hflip(0.3),
}

local act = leaky_relu()

local function block(number)
  local body = { act, batchnorm(), conv(o.filters, 3) }
  for i = 2, o.layers do body[i + 2] = chain { act, conv(o.filters, 3) } end
  return chain {
    residual { body, shortcut = conv(o.filters, 1) },
    number % 2 == 0 and maxpool(2),
    number < o.blocks and dropout(o.dropout),
  }
end

local blocks, hidden = {}, {}
for i = 1, o.blocks do blocks[i] = block(i) end
for i = 1, o.hidden do hidden[i] = chain { linear(o.units), act } end

return network {
  blocks, flatten(), hidden, linear(10),
  loss  = cross_entropy(),
  data  = cifar10 {
    augment   = augment,
    normalize = { mean = { 0.4914, 0.4822, 0.4465 }, std = { 0.2470, 0.2435, 0.2616 } },
  },
  train = { batch = o.batch, epochs = o.epochs, lr = o.lr, optimizer = optimizers[o.optimizer]() },
}
