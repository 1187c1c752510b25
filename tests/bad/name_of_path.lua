return network {
  input = image(3, 32, 32),
  conv(6, 5, { name = "residual1_conv1" }),
  residual { conv(6, 5) },
}
