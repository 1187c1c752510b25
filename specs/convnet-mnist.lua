-- Two convolutions with ReLU and a flatten layer on MNIST, which reach 99 %: the largest of three,
-- with linear-mnist and mlp-mnist.
--
--     lathe build specs/convnet-mnist.lua && out/convnet_mnist/train --data DIR
--     lathe sweep specs/convnet-mnist.lua --data DIR --set optimizer=sgd --set epochs=5 \
--         --over lr=0.0001,0.001,0.01,0.1,1,10 -o out/learning-rates
--
-- The second trains with plain SGD, from a learning rate far too small to one far too large.
local o = options {
  optimizer = choice { "adadelta", "sgd" },
  lr        = 1.0,
  epochs    = 12,
  batch     = 128,
  data      = choice { "mnist", "fashion_mnist", "digits" },
}
local set = { mnist = mnist, fashion_mnist = fashion_mnist, digits = digits }

return network {
  conv(32, 3, { pad = 0 }), relu(),
  conv(64, 3, { pad = 0 }), relu(), maxpool(2), dropout(0.25),
  flatten(), linear(128), relu(), dropout(0.5), linear(10),
  loss  = cross_entropy(),
  data  = set[o.data] {},
  train = { batch = o.batch, epochs = o.epochs, lr = o.lr,
            optimizer = o.optimizer == "sgd" and sgd() or adadelta() },
}
