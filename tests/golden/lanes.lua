-- Pixels in lanes: few channels; a loss of probabilities.
return network {
  input = image(1, 7, 7),
  conv(2, 3), relu(), conv(3, 3, { bias = false }),
  flatten(), linear(2), sigmoid(),
  loss  = bce(),
}
