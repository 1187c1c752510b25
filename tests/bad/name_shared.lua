local c = conv(6, 5, { name = "a" })
return network {
  input = image(3, 32, 32),
  c, c,
}
