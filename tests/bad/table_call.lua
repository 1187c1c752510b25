return network {
  input = image(3, 32, 32),
  chain(conv(6, 5), relu()),
}
