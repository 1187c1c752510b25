local a = cosine { lr = 0.1, min = 0.2 }
