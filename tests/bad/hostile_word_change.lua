local c = conv(6, 5)
c.channels = -1
