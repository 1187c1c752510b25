-- What few networks have: groups, normalization of neighbours, activations that learn, a reshape,
-- softmax before its loss.
return network {
  input = image(4, 6, 6),
  conv(8, 3, { groups = 4, bias = false }), lrn { size = 3 }, batchnorm(),
  dynamic_relu { k = 2, reduction = 2 },
  concat { chain {}, { maxpool(2, { stride = 1, pad = { 0, 0, 1, 1 } }), prelu() } },
  dynamic { L = 55.9344, Q = 12, I = 0.02924, learn = true },
  reshape(8, 8, 9), conv(4, 1), flatten(), linear(6), softmax(),
  loss  = mse(),
}
