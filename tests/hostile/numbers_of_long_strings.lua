local s = string.rep(" ", 1000000)
while true do local n = tonumber(s) end
return network { input = vector(2), linear(2) }
