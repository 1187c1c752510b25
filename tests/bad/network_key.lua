return network {
  input = image(3, 32, 32),
  los = mse(), conv(6, 5),
}
