local a = warmup(2, warmup(1, 0.1))
