local a = mnist { subset = 0 }
