return network {
  input = image(3, 8, 8),
  concat { relu(), drop = 0.5 },
}
