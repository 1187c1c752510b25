local t = chain {}
for i = 1, 60 do t = chain { t, t } end
return network {
  input = image(3, 32, 32),
  t,
}
