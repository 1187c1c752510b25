return conv(6, 5)
