local t <close> = conv(6, 5)
