local k = next(conv(6, 5))
