local t = {}
for i = 1, 60 do t = { t, t } end
return network {
  input = image(3, 32, 32),
  t,
}
