local s = "x"
while true do s = s .. s end
return network { input = vector(2), linear(2) }
