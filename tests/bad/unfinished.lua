return network {
  input = image(1, 28, 28),
