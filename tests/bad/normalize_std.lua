local a = mnist { normalize = { mean = 0, std = 0 } }
