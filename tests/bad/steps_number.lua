local a = steps(0.1)
