return network {
  input = image(3, 32, 32),
  prelu { init = nil, shared = 1 },
}
