local s = ("x"):find(".*.*.*.*x")
