local c = relu()
for i = 1, 5000 do c = chain { c } end
return network {
  input = image(3, 32, 32),
  c,
}
