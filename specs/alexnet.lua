-- AlexNet, the one-tower form that torchvision has: Krizhevsky, "One weird trick for parallelizing
-- convolutional neural networks", arXiv 1404.5997. 61,100,840 parameters at 1000 classes and 224.
--
--     lathe show specs/alexnet.lua                            the shape after every layer
--     lathe build specs/alexnet.lua --infer-batch 2
--
-- size: rows and columns of the input, 63 or more (the first linear layer grows with it).
local o = options { classes = 1000, size = 224 }

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
  loss = cross_entropy(),
}
