local c = conv(1 << 63, 5)
