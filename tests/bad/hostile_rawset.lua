rawset(string, "rep", 1)
