return network {
  input = image(3, 32, 32),
  { word = "conv", kind = "layer", channels = 1 },
}
