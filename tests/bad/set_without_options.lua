-- set: k=3
return network {
  input = image(3, 32, 32),
  relu(),
}
