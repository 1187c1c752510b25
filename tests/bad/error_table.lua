
error { code = 42 }
