local a = mnist { augment = { relu() } }
