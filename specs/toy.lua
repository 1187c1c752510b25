-- A linear and a small convolutional net that learn a function of x: the sum of W x (linear), the
-- largest entry of W x (max), or its log-sum-exp; W is fixed and random. The linear net can learn
-- the first alone. The last line that train prints has the mean squared error on the test set.
--
--     lathe build specs/toy.lua --set f=max --set net=conv -o out/toy && out/toy/train
local o = options {
  f   = choice { "linear", "max", "logsumexp" },
  net = choice { "linear", "conv" },
  inputs = 8, channels = 32,
}

local nets = {
  linear = { linear(1) },
  conv   = { reshape(1, 1, o.inputs), conv(o.channels, { 1, 3 }), relu(),
             conv(o.channels, { 1, 3 }), relu(), flatten(), linear(64), relu(), linear(1) },
}

return network {
  input = vector(o.inputs),
  nets[o.net],
  loss  = mse(),
  data  = points(o.f, { inputs = o.inputs }),
  train = { batch = 64, epochs = 30, optimizer = adam(), lr = cosine { lr = 0.005 } },
}
