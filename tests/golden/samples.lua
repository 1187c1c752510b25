-- Samples in lanes: padding and a pool; a stride; backward data.
return network {
  input = image(1, 9, 9),
  conv(3, 3), relu(), maxpool(2),
  conv(5, 3, { stride = 2, bias = false }), tanh(),
  flatten(), linear(4),
  loss  = cross_entropy(),
}
