local a = cross_entropy { smoothing = 1 }
