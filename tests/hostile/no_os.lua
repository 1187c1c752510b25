os.execute("true")
return network { input = vector(2), linear(2) }
