-- set: k=wide
local o = options { k = 5 }
return network {
  input = image(3, 32, 32),
  relu(),
}
