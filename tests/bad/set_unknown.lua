-- set: widht=3
local o = options { act = "relu", k = 5, width = 2 }
return network {
  input = image(3, 32, 32),
  relu(),
}
