local o = options { width = { 3 } }
