-- One linear layer on MNIST: the smallest of three, with mlp-mnist and convnet-mnist. cross_entropy
-- is softmax and categorical cross-entropy in one.
--
--     lathe build specs/linear-mnist.lua && out/linear_mnist/train --data DIR
local o = options { data = choice { "mnist", "fashion_mnist", "digits" } }
local set = { mnist = mnist, fashion_mnist = fashion_mnist, digits = digits }

return network {
  flatten(), linear(10),
  loss  = cross_entropy(),
  data  = set[o.data] {},
  train = { batch = 128, epochs = 12, optimizer = adadelta(), lr = 1.0 },
}
