return network {
  input = image(3, 8, 8),
  concat { relu(), { conv(4, 3), 7 } },
}
