local a = warmup(2, adam())
