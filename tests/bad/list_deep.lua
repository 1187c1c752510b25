local t = {}
t[1] = t
return network {
  input = image(3, 32, 32),
  t,
}
