return network {
  input = image(3, 8, 8),
  conv(4, 3),
  concat { false },
}
