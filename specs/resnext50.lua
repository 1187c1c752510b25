-- ResNeXt-50 32x4d: Xie, Girshick, Dollar, Tu, He, "Aggregated residual transformations for deep
-- neural networks", arXiv 1611.05431: ResNet-50 with grouped 3x3 convolutions. 25,028,904
-- parameters at 1000 classes. Its blocks have the names that torchvision gives them.
--
--     lathe show specs/resnext50.lua
--     lathe build specs/resnext50.lua --infer-batch 2
--
-- groups and width, the channels of each in the first stage; planes: a quarter of what that stage
-- puts out; size: rows and columns of the input.
-- data = images: folders of pictures in ImageNet's layout, cut and changed as is usual there.
local o = options {
  classes = 1000, size = 224, groups = 32, width = 4, planes = 64,
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

local function block(name, planes, stride, widens)
  local channels = planes // o.planes * o.groups * o.width
  return chain {
    residual {
      name = name,
      conv(channels, 1, { bias = false }), batchnorm(), relu(),
      conv(channels, 3, { stride = stride, pad = 1, groups = o.groups, bias = false }),
      batchnorm(), relu(),
      conv(4 * planes, 1, { bias = false }), batchnorm(),
      shortcut = widens and { conv(4 * planes, 1, { stride = stride, pad = 0, bias = false }),
                              batchnorm() },
    },
    relu(),
  }
end

-- Stage NUMBER: so many blocks, the first of which widens and, but for stage 1, halves the image.
local function stage(number, planes, blocks)
  local list = {}
  for i = 0, blocks - 1 do
    list[i + 1] = block("layer" .. number .. "_" .. i, planes,
      i == 0 and number > 1 and 2 or 1, i == 0)
  end
  return chain(list)
end

return network {
  input = image(3, o.size, o.size),
  conv(64, 7, { stride = 2, pad = 3, bias = false }), batchnorm(), relu(),
  maxpool(3, { stride = 2, pad = 1 }),
  stage(1, o.planes, 3), stage(2, 2 * o.planes, 4),
  stage(3, 4 * o.planes, 6), stage(4, 8 * o.planes, 3),
  globalpool(), flatten(), linear(o.classes),
  loss  = cross_entropy(),
  data  = data,
  train = data and { batch = o.batch, epochs = o.epochs, lr = cosine { lr = 0.1 },
                     optimizer = sgd { momentum = 0.9, nesterov = true, weight_decay = 1e-4 } },
}
