local c = conv(6, 5)
for k, v in pairs(c) do end
