return network {
  input = image(3, 32, 32),
  dynamic_relu { reduction = -8 },
}
