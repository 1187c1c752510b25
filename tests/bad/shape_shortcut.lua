return network {
  input = image(3, 32, 32),
  residual { conv(64, 3), shortcut = conv(64, 3, { stride = 2 }) },
}
