-- Weights that begin at zero learn nothing: each layer gives 0, ReLU's slope there is 0, and every
-- gradient is 0. Compare the weights before and after, and with init=he:
--
--     lathe build specs/zero-init.lua
--     out/zero_init/train --data DIR --epochs 0 --save before.safetensors
--     out/zero_init/train --data DIR --epochs 3 --save after.safetensors
--     cmp before.safetensors after.safetensors && echo 'no weight has moved'
--
-- bias = true: the last layer's biases alone move, towards the classes' shares.
local o = options {
  init = choice { "zeros", "he" },
  data = choice { "mnist", "fashion_mnist", "digits" },
  bias = false,
}
local set = { mnist = mnist, fashion_mnist = fashion_mnist, digits = digits }
local init = { zeros = zeros {}, he = he {} }

local function layer(units) return linear(units, { bias = o.bias }) end

return network {
  flatten(), layer(64), relu(), layer(64), relu(), layer(10),
  init  = init[o.init],
  loss  = cross_entropy(),
  data  = set[o.data] {},
  train = { batch = 128, epochs = 3, optimizer = sgd { momentum = 0.9 }, lr = 0.05 },
}
