return network {
  input = image(3, 8, 8),
  conv(16, 3), lrn { size = 4 },
}
