local c = conv(6, 5)
c()
