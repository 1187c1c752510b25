return network {
  input = image(3, 32, 32),
  elu_learned { a = math.huge },
}
