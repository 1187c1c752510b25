local o = options { k = choice { ("x"):rep(1e6) } }
o.k = 1
