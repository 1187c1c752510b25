return { layers = { { L = 1, Q = 2, I = 3 } } }
