local a = plateau { lr = 1, patience = -1 }
