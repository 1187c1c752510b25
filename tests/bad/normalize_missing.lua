local a = mnist { normalize = { mean = 0 } }
