local o = options { width = 3 }
return network {
  input = image(3, 32, 32),
  conv(o.widht, 3),
}
