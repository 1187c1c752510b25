local a = mnist { validation = 1 }
