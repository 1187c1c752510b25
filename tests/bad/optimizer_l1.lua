local a = sgd { l1 = -1 }
