return network {
  input = image(3, 32, 32),
  residual { conv(3, 3), conv(64, 3), name = "block" },
}
