-- Convolutions of stride 2 that read few channels, which Winograd's method folds: sizes that
-- nothing divides, a pool, padding to one side. Both start from the image. For check_winograd.c.
return network {
  name = "folded",
  input = image(3, 41, 38),
  concat {
    { conv(40, 7, { stride = 2, pad = 3 }), relu(), maxpool(2) },
    { conv(20, 8, { stride = 2, pad = { 4, 2, 3, 3 }, bias = false }), batchnorm(), maxpool(2) },
  },
  flatten(), linear(5),
}
