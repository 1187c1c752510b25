local a = adadelta { rho = -0.1 }
