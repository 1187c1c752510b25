return network {
  input = image(3, 8, 8),
  concat {
    conv(4, 3),
    conv(4, 3, { stride = 2 }),
  },
}
