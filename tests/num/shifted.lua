-- Batchnorms of numbers whose mean is 200 times their deviation: their moments must not cancel.
return network {
  input = image(3, 24, 24),
  conv(16, 3), piecewise { { 0, 200 }, { 1, 201 } }, batchnorm(),
  conv(5, 1, { bias = false }), piecewise { { 0, 200 }, { 1, 201 } }, batchnorm(),
  loss = mse(),
}
