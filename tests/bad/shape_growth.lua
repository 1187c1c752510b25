return network {
  input = image(3, 32, 32),
  conv(65536, 1), conv(65536, { 1, 1 }), flatten(), linear(1048576),
}
