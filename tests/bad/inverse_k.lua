local a = inverse { lr = 0.1, k = -1 }
