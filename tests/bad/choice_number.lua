local o = options { k = choice { 1, 2 } }
