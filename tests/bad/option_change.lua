local o = options { width = 3 }
o.width = 4
