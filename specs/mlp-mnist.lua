-- Several linear layers with ReLU on MNIST: between linear-mnist and convnet-mnist. units of each
-- hidden layer; hidden: how many of them.
--
--     lathe build specs/mlp-mnist.lua && out/mlp_mnist/train --data DIR
local o = options {
  units = 512, hidden = 2,
  data = choice { "mnist", "fashion_mnist", "digits" },
}
local set = { mnist = mnist, fashion_mnist = fashion_mnist, digits = digits }

local hidden = {}
for i = 1, o.hidden do hidden[i] = chain { linear(o.units), relu(), dropout(0.2) } end

return network {
  flatten(), hidden, linear(10),
  loss  = cross_entropy(),
  data  = set[o.data] {},
  train = { batch = 128, epochs = 12, optimizer = adadelta(), lr = 1.0 },
}
