local s = string.format("%1000000d", 1)
