return network {
  input = image(3, 32, 32),
  maxpool(2, { pad = 2 }),
}
