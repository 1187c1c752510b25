return network {
  input = image(65536, 65536, 65536),
  flatten(),
}
