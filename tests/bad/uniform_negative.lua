local a = uniform { bound = -1 }
