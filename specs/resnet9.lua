-- ResNet-9 for CIFAR with the fitted Dynamic curve: one for every layer, as an inequality table
-- (act = table) or in closed form (exact), one each (layers), or ReLU to compare with (relu).
-- Others to compare with: Dynamic whose L, Q and I go on learning from the fitted ones (learn),
-- PReLU (prelu), Dynamic ReLU (dynamic_relu), and straight pieces that act where x < 0 (piecewise):
-- a slope of 0.25 down to -1, then 0.05 for ever, so that large negative numbers still have a
-- gradient (the idea of Wei's piecewise ReLU of 2018; the points are ours). mish, x
-- tanh(softplus(x)) (Misra 2019), is a curve that lathe has no word for, here as 16 pieces.
local o = options {
  act   = choice {
    "table", "exact", "layers", "relu", "learn", "prelu", "dynamic_relu", "piecewise",
    "mish",
  },
  fit   = "seed-global", -- the fitted curve: fits/NAME.lua (lathe fit writes such files)
  k     = 0.1, -- half-width of the tables' corridor
  data  = choice { "cifar100", "cifar10" },
  batch = 512,
  lr    = 0.01, -- one-cycle's maximum
  drop  = 0.0, -- stochastic depth: of the second residual, half as much of the first
  subset = 1.0, -- share of the training images: every n-th
}

local curves = fit "seed-layers"
local made = {
  relu   = function() return relu() end,
  exact  = function() return dynamic(fit(o.fit)) end,
  table  = function() return dynamic(fit(o.fit), { table = tangent(o.k) }) end,
  learn  = function() return dynamic(fit(o.fit), { learn = true }) end,
  prelu  = function() return prelu() end,
  dynamic_relu = function() return dynamic_relu() end,
  piecewise = function()
    return piecewise { { -5, -0.45 }, { -1, -0.25 }, { 0, 0 }, { 1, 1 } }
  end,
  mish = function()
    local function f(x) return x - 2 * x / (1 + (1 + math.exp(x)) ^ 2) end
    return curve { f = f, table = minimax(0.0033) }
  end,
  layers = function(i) return dynamic(curves[i], { table = tangent(o.k) }) end,
}

local count = 0
local function block(channels, pooled)
  count = count + 1
  return chain { conv(channels, 3), batchnorm(), made[o.act](count), pooled and maxpool(2) }
end

local data = ({ cifar10 = cifar10, cifar100 = cifar100 })[o.data] {
  augment   = { crop(32, { pad = 4, mode = "reflect" }), hflip() },
  normalize = { mean = { 0.4914, 0.4822, 0.4465 }, std = { 0.2023, 0.1994, 0.2010 } },
  subset    = o.subset,
}

return network {
  input = image(3, 32, 32),
  block(64), block(128, true),
  residual { block(128), block(128), drop = o.drop / 2 },
  block(256, true), block(512, true),
  residual { block(512), block(512), drop = o.drop },
  maxpool(4), flatten(), dropout(0.2), linear(data.classes),
  loss  = cross_entropy(),
  data  = data,
  train = { batch = o.batch, epochs = 16, optimizer = adam { weight_decay = 1e-4 },
            lr = onecycle { max = o.lr }, clip_value = 0.1 },
}
