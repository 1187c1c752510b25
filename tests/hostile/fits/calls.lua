return conv(8, 3)
