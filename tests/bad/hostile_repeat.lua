local n = 0
repeat n = n + #("x"):rep(1000) until n < 0
