return network {
  input = image(3, 32, 32),
  dropout(0/0),
}
