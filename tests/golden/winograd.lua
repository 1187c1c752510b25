-- 3x3 convolutions by Winograd's method: a batchnorm's moments, a pool; one in phases, of weights
-- that no cache keeps.
return network {
  input = image(16, 12, 12),
  conv(64, 3), batchnorm(), relu(),
  conv(80, 3, { bias = false }), relu(), maxpool(2),
  flatten(), linear(4),
  loss  = cross_entropy(),
}
