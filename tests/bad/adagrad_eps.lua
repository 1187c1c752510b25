local a = adagrad { eps = 0 }
