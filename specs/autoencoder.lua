-- An autoencoder: linear layers with activations in mirror image, and between them a code of two
-- numbers, from which a picture of MNIST is drawn again; the error is the mean squared one. With as
-- many numbers, PCA is the best linear code: tests/num/autoencoder.py compares.
--
--     python3 tests/num/autoencoder.py prepare DIR/mnist out/ae     pixels as rows, and labels
--     lathe build specs/autoencoder.lua && out/autoencoder/train --data out/ae --save out/ae/w.st
--
-- part: whole, or the encoder alone, whose outputs are the codes. test: which pictures infer takes,
-- those for tests, for training, or for tests scaled on their own (autoencoder.py says how). Each
-- pixel is scaled to mean 0 and variance 1.
local o = options {
  part   = choice { "whole", "encoder" },
  test   = choice { "test", "train", "own" },
  act    = choice { "elu", "relu", "tanh" },
  epochs = 30,
}

local act = ({ elu = elu(), relu = relu(), tanh = tanh() })[o.act]
local widths = { 512, 256, 64 }

local encoder, decoder = {}, {}
for i, width in ipairs(widths) do
  encoder[i] = chain { linear(width), act }
  decoder[#widths + 1 - i] = chain { linear(width), act }
end
local whole = o.part == "whole"

return network {
  chain { name = "encoder", encoder, linear(2, { name = "code" }) },
  whole and chain { name = "decoder", decoder, linear(784) },
  loss  = whole and mse(),
  data  = arrays { x = "train.npy", test_x = o.test .. ".npy", shape = { 784 },
                   target = whole and "input" or "none", normalize = "auto" },
  train = whole and { batch = 256, epochs = o.epochs, optimizer = adam(),
                      lr = onecycle { max = 0.002 } },
}
