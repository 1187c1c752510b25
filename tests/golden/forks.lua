-- What adds to a gradient of another use: a reshape, parts of a concat, softmax; and a small image
-- that is pooled.
return network {
  input = image(8, 8, 8),
  conv(8, 3), residual { concat { chain {}, chain {} }, shortcut = { conv(16, 3) } },
  residual { reshape(64, 4, 4), shortcut = { conv(64, 3, { stride = 2 }) } },
  conv(32, 3), maxpool(2), flatten(), linear(10), residual { softmax() },
  loss  = cross_entropy(),
}
