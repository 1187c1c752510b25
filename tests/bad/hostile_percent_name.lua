return network { input = vector(2), relu(), ["%s%n%d"] = 1 }
