local a = warmup(0, 0.1)
