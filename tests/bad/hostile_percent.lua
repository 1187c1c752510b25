local c = conv("%s%n%d", 5)
