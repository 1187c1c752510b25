-- Concatenated rows, and a body that a step may skip.
return network {
  input = vector(8),
  concat { linear(16), { linear(16), tanh() } },
  residual { linear(32), relu(), drop = 0.5 }, residual { linear(32), drop = 0.5 }, relu(),
  linear(4),
  loss  = mse(),
}
