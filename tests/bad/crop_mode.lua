local a = crop(32, { pad = 4, mode = "mirror" })
