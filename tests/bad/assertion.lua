assert(1 + 1 == 3, "no network today")
