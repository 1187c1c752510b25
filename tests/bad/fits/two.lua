return { layers = { dynamic1 = { L = 1, Q = 2, I = 3 }, dynamic2 = { L = 1, Q = 2, I = 1 } } }
