local a = adam { betas = 0.9 }
