local t = getmetatable("")
