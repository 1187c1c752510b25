while true do local s = ("x"):rep(math.mininteger) end
