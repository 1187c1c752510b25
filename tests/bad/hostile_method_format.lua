local s = ("%d"):rep(2):format(1)
