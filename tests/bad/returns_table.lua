return { input = vector(2) }
