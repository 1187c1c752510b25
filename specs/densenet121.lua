-- DenseNet-121: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks",
-- arXiv 1608.06993. 7,978,856 parameters at 1000 classes. Each layer puts its channels behind those
-- that it read, which in memory is where they lie already.
--
--     lathe show specs/densenet121.lua
--     lathe build specs/densenet121.lua --infer-batch 2
--
-- growth: channels that a layer adds; size: rows and columns of the input; thinner: what the layers
-- of a block are divided by, for tests.
-- data = images: folders of pictures in ImageNet's layout, cut and changed as is usual there.
local o = options {
  classes = 1000, size = 224, growth = 32, thinner = 1,
  data = choice { "none", "images" }, batch = 64, epochs = 90,
}

local function pictures()
  local side = o.size * 8 // 7 -- 256 for 224
  return images {
    size = { 3, side, side }, classes = o.classes,
    augment   = { rotate(30), perspective(0.3, { p = 0.5 }), crop(o.size), hflip() },
    normalize = { mean = { 0.485, 0.456, 0.406 }, std = { 0.229, 0.224, 0.225 } },
  }
end
local data = o.data == "images" and pictures() or nil

local function layer(name)
  return concat {
    name = name,
    chain {},
    { batchnorm(), relu(), conv(4 * o.growth, 1, { bias = false }),
      batchnorm(), relu(), conv(o.growth, 3, { bias = false }) },
  }
end

local channels = 2 * o.growth
local function block(number, layers)
  local list = {}
  layers = layers // o.thinner
  for i = 1, layers do list[i] = layer("dense" .. number .. "_" .. i) end
  channels = channels + layers * o.growth
  return chain(list)
end

-- Half the channels, half the rows and columns.
local function transition(number)
  channels = channels // 2
  return chain { name = "transition" .. number,
                 batchnorm(), relu(), conv(channels, 1, { bias = false }), avgpool(2) }
end

return network {
  input = image(3, o.size, o.size),
  conv(channels, 7, { stride = 2, pad = 3, bias = false }), batchnorm(), relu(),
  maxpool(3, { stride = 2, pad = 1 }),
  block(1, 6), transition(1), block(2, 12), transition(2),
  block(3, 24), transition(3), block(4, 16),
  batchnorm(), relu(), globalpool(), flatten(), linear(o.classes),
  loss  = cross_entropy(),
  data  = data,
  train = data and { batch = o.batch, epochs = o.epochs, lr = cosine { lr = 0.1 },
                     optimizer = sgd { momentum = 0.9, nesterov = true, weight_decay = 1e-4 } },
}
