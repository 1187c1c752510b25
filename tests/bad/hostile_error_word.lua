error(conv(6, 5))
