-- set: deep=yes
local o = options { deep = true }
return network {
  input = image(3, 32, 32),
  relu(),
}
