local a = plateau { lr = 1, factor = 1 }
