return network {
  input = image(3, 8, 8),
  lrn { size = 7 },
}
