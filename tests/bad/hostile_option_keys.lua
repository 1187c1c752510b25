local o = options { k = 1 }
o[{}] = 1
