return { L = conv(1, 2) }
