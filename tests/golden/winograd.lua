-- 3x3 convolutions by Winograd's method: a batchnorm's moments, a pool.
return network {
  input = image(16, 12, 12),
  conv(16, 3), batchnorm(), relu(),
  conv(32, 3, { bias = false }), relu(), maxpool(2),
  flatten(), linear(4),
  loss  = cross_entropy(),
}
