-- AlexNet, the one-tower form that torchvision has: Krizhevsky, "One weird trick for parallelizing
-- convolutional neural networks", arXiv 1404.5997. 61,100,840 parameters at 1000 classes and 224.
--
--     lathe show specs/alexnet.lua                            the shape after every layer
--     lathe build specs/alexnet.lua --infer-batch 2
--
-- size: rows and columns of the input, 63 or more (the first linear layer grows with it).
-- data = images: folders of pictures in ImageNet's layout, cut and changed as is usual there.
local o = options {
  classes = 1000, size = 224,
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

local function pool() return maxpool(3, { stride = 2 }) end

return network {
  input = image(3, o.size, o.size),
  conv(64, 11, { stride = 4, pad = 2 }), relu(), pool(),
  conv(192, 5, { pad = 2 }), relu(), pool(),
  conv(384, 3), relu(),
  conv(256, 3), relu(),
  conv(256, 3), relu(), pool(),
  flatten(),
  dropout(0.5), linear(4096), relu(),
  dropout(0.5), linear(4096), relu(),
  linear(o.classes),
  loss  = cross_entropy(),
  data  = data,
  train = data and { batch = o.batch, epochs = o.epochs, lr = cosine { lr = 0.01 },
                     optimizer = sgd { momentum = 0.9, nesterov = true, weight_decay = 1e-4 } },
}
