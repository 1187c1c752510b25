-- LeNet-5 in modern form, for 28x28 pictures. act chooses the curve between its layers; dynamic is
-- the fitted curve in closed form, table the same curve as an inequality table of half-width k.
local o = options {
  act  = choice { "relu", "tanh", "sigmoid", "dynamic", "table" },
  data = choice { "mnist", "fashion_mnist", "digits" },
  k    = 0.1,
}

local fitted = fit "seed-global"
local act = ({
  relu    = relu(),
  tanh    = tanh(),
  sigmoid = sigmoid(),
  dynamic = dynamic(fitted),
  table   = dynamic(fitted, { table = tangent(o.k) }),
})[o.act]

local data = ({
  mnist         = mnist { normalize = { mean = 0.1307, std = 0.3081 } },
  fashion_mnist = fashion_mnist { normalize = { mean = 0.2860, std = 0.3530 } },
  digits        = digits(),
})[o.data]

return network {
  input = image(1, 28, 28),
  conv(6, 5, { pad = 2 }), act, maxpool(2),
  conv(16, 5, { pad = 0 }), act, maxpool(2),
  flatten(), linear(120), act, linear(84), act, linear(10),
  loss  = cross_entropy(),
  data  = data,
  train = { batch = 64, epochs = 5, optimizer = adam(), lr = onecycle { max = 0.005 } },
}
