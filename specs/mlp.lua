-- A multilayer perceptron for 28x28 pictures: every pixel to 800 units, then to the classes.
local o = options {
  data = choice { "mnist", "fashion_mnist", "digits" },
  units = 800,
}
local set = { mnist = mnist, fashion_mnist = fashion_mnist, digits = digits }

return network {
  input = image(1, 28, 28),
  flatten(), linear(o.units), relu(), linear(10),
  loss  = cross_entropy(),
  data  = set[o.data] { normalize = { mean = 0.1307, std = 0.3081 } },
  train = { batch = 128, epochs = 10, optimizer = adam(), lr = 0.001 },
}
