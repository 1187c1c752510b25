local s = string.gsub("x", ".", "y")
