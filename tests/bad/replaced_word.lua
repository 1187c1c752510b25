conv = nil
return network {
  input = image(3, 32, 32),
  conv(6, 5),
}
