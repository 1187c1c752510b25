-- set: act=rleu
local o = options { act = choice { "relu", "tanh" } }
return network {
  input = image(3, 32, 32),
  relu(),
}
