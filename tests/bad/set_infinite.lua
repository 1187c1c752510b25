-- set: k=1e999
local o = options { k = 5 }
return network {
  input = image(3, 32, 32),
  relu(),
}
