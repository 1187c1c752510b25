local c = conv(3, 3)
for i = 1, 5 do
  c = residual { c, name = ("n"):rep(60) }
end
return network {
  input = image(3, 32, 32),
  c,
}
