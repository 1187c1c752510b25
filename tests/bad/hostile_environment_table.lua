local _ENV = { conv = conv, network = network }
return network {
  input = image(3, 32, 32),
  relu(),
}
