return network { input = vector(2), dynamic { L = 1e300, Q = 0, I = 0, Z = 1e-300 } }
