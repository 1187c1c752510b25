local a = exponential { lr = 0.1 }
