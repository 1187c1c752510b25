local o = options { classes = 3, k = 0.1 }
local act = dynamic { L = 55.9344, Q = 12, I = 0.02924, table = tangent(o.k) }
return network {
  name = "n", input = image(3, 8, 8), init = he(),
  conv(6, 3, { stride = 2, groups = 3 }), batchnorm(), act, maxpool(2),
  residual { conv(6, 1), drop = 0.1, shortcut = { conv(6, 1) } },
  concat { conv(2, 1), chain { dropout(0.2), conv(2, 1), dynamic(fit "f") } },
  curve { f = function(x) return x > 0 and x or 0 end, table = minimax(0.1) },
  globalpool(), flatten(), linear(o.classes),
  loss = cross_entropy { smoothing = 0.1 },
  data = images { size = { 3, 8, 8 }, classes = o.classes, normalize = "auto",
                  augment = { crop(8, { pad = 2 }), hflip() } },
  train = { batch = 4, epochs = 1, optimizer = sgd { momentum = 0.9 }, lr = cosine { lr = 0.1 } },
}
