return network {
  input = image(3, 32, 32),
  conv(6, 5, { pad = 0 }),
  maxpool(4), conv(8, 9, { pad = 0 }),
}
