-- Kinds of curves between layers that are the same; a loss of labels that are not quite certain.
return network {
  input = vector(12),
  linear(12), leaky_relu(0.1), linear(12), elu(), linear(12), dynamic { L = 55.9344, Q = 12, I = 0.02924 },
  linear(12), dynamic { L = 3, Q = 1, I = -1, P = 4 },
  linear(12), dynamic { L = 55.9344, Q = 12, I = 0.02924, table = tangent(0.3) },
  linear(12), dynamic { L = 3, Q = 1, I = -1, table = tangent(0.1) },
  linear(12), dynamic { L = 55.9344, Q = 12, I = 0.02924, table = tangent(0.01) },
  loss  = cross_entropy { smoothing = 0.1 },
}
