-- What Winograd's method does of strides, statistics, groups.
return network {
  input = image(3, 20, 20),
  conv(16, 7, { stride = 2, pad = 3, bias = false }), batchnorm(), relu(),
  conv(16, 3, { bias = false }), batchnorm(), relu(), avgpool(2),
  flatten(), linear(5),
  loss = mse(),
}
