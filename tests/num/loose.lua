-- Dynamic curves in three forms, before and behind other steps, with channels that fill no block.
local o = options { table = choice { "tangent", "minimax", "none" } }
local made = { tangent = tangent(0.1), minimax = minimax(0.02) }
local act = dynamic { L = 55.9344, Q = 12, I = 0.02924, table = made[o.table] }

return network {
  input = image(1, 28, 28),
  conv(6, 3), batchnorm(), act, maxpool(2),
  residual { conv(6, 3), batchnorm(), act },
  conv(20, 3, { stride = 2 }), dynamic { L = 30, Q = 2, I = 0.5, P = 4, Z = 7, learn = true },
  relu(), flatten(), linear(10),
  data  = digits {},
  train = { batch = 32, epochs = 1, optimizer = adam { weight_decay = 0.01 }, lr = 0.003 },
}
