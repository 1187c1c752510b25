local t = { [conv(6, 5)] = 1 }
for k in pairs(t) do end
