local a = normal()
