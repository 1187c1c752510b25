local a = rmsprop { alpha = 1 }
