local o = options { 3 }
