local s = string.rep("x", 1000000)
while true do s = s:upper():lower():reverse() end
return network { input = vector(2), linear(2) }
