-- ResNet-50: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", arXiv 1512.03385,
-- with the stride in the 3x3 convolutions, as torchvision has it. 25,557,032 parameters at 1000
-- classes. Its blocks have the names that torchvision gives them.
--
--     lathe show specs/resnet50.lua
--     lathe build specs/resnet50.lua --infer-batch 2
--
-- size: rows and columns of the input. Below 64, the first convolution is 3x3 without stride, and
-- there is no pool behind it, as is usual for CIFAR. data: what to train on, none: only infer;
-- images: folders of pictures in ImageNet's layout, cut and changed as is usual there.
local o = options {
  size    = 224,
  width   = 64, -- channels of the first stage; each further one has twice as many
  classes = 1000,
  data    = choice { "none", "cifar10", "cifar100", "images" },
  batch   = 64,
  epochs  = 100,
}

local function pictures()
  local side = o.size * 8 // 7 -- 256 for 224
  return images {
    size = { 3, side, side }, classes = o.classes,
    augment   = { rotate(30), perspective(0.3, { p = 0.5 }), crop(o.size), hflip() },
    normalize = { mean = { 0.485, 0.456, 0.406 }, std = { 0.229, 0.224, 0.225 } },
  }
end

local data
if o.data == "images" then
  data = pictures()
elseif o.data ~= "none" then
  data = ({ cifar10 = cifar10, cifar100 = cifar100 })[o.data] {
    augment   = { crop(32, { pad = 4, mode = "reflect" }), hflip() },
    normalize = { mean = { 0.4914, 0.4822, 0.4465 }, std = { 0.2023, 0.1994, 0.2010 } },
  }
end
local size = data and o.data ~= "images" and 32 or o.size

local function block(name, channels, stride, widens)
  return chain {
    residual {
      name = name,
      conv(channels, 1, { bias = false }), batchnorm(), relu(),
      conv(channels, 3, { stride = stride, pad = 1, bias = false }), batchnorm(), relu(),
      conv(4 * channels, 1, { bias = false }), batchnorm(),
      shortcut = widens and { conv(4 * channels, 1, { stride = stride, pad = 0, bias = false }),
                              batchnorm() },
    },
    relu(),
  }
end

-- Stage NUMBER: so many blocks, the first of which widens and, but for stage 1, halves the image.
local function stage(number, channels, blocks)
  local list = {}
  for i = 0, blocks - 1 do
    list[i + 1] = block("layer" .. number .. "_" .. i, channels,
      i == 0 and number > 1 and 2 or 1, i == 0)
  end
  return chain(list)
end

local stem = size < 64 and { conv(o.width, 3, { bias = false }), batchnorm(), relu() }
  or { conv(o.width, 7, { stride = 2, pad = 3, bias = false }), batchnorm(), relu(),
       maxpool(3, { stride = 2, pad = 1 }) }

return network {
  input = image(3, size, size),
  stem,
  stage(1, o.width, 3), stage(2, 2 * o.width, 4),
  stage(3, 4 * o.width, 6), stage(4, 8 * o.width, 3),
  globalpool(), flatten(), linear(data and data.classes or o.classes),
  loss  = cross_entropy(),
  data  = data,
  train = data and { batch = o.batch, epochs = o.epochs, optimizer = adam { weight_decay = 1e-4 },
                     lr = onecycle { max = 0.01 }, clip_value = 0.1 },
}
