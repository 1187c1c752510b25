-- LeNet-5 in modern form, for 28x28 pictures. act chooses the curve between its layers; dynamic is
-- the fitted curve in closed form, table the same curve as an inequality table of half-width k.
-- augment: small shifts, turns and flips. Without, it overfits Fashion-MNIST in the end; with:
--
--     lathe build specs/lenet5.lua --set data=fashion_mnist --set epochs=60 --set augment=true
local o = options {
  act  = choice { "relu", "tanh", "sigmoid", "dynamic", "table" },
  data = choice { "mnist", "fashion_mnist", "digits" },
  fit  = "seed-global", -- the fitted curve: fits/NAME.lua (lathe fit writes such files)
  k    = 0.1,
  augment = false,
  epochs  = 5,
}

local fitted = fit(o.fit)
local act = ({
  relu    = relu(),
  tanh    = tanh(),
  sigmoid = sigmoid(),
  dynamic = dynamic(fitted),
  table   = dynamic(fitted, { table = tangent(o.k) }),
})[o.act]

local augment = o.augment and { crop(28, { pad = 2 }), rotate(10), hflip() }
local data = ({
  mnist         = mnist { normalize = { mean = 0.1307, std = 0.3081 }, augment = augment },
  fashion_mnist = fashion_mnist { normalize = { mean = 0.2860, std = 0.3530 }, augment = augment },
  digits        = digits { augment = augment },
})[o.data]

return network {
  input = image(1, 28, 28),
  conv(6, 5, { pad = 2 }), act, maxpool(2),
  conv(16, 5, { pad = 0 }), act, maxpool(2),
  flatten(), linear(120), act, linear(84), act, linear(10),
  loss  = cross_entropy(),
  data  = data,
  train = { batch = 64, epochs = o.epochs, optimizer = adam(), lr = onecycle { max = 0.005 } },
}
