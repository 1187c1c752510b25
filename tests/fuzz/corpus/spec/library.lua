local t, s = { 3, 1, x = { 2 } }, ("ab"):rep(3) .. string.format("%5.2f%q", 1.5, "\0")
table.sort(t, function(a, b) return a < b end)
for k, v in pairs(t) do s = s .. tostring(k) .. tostring(v):sub(1, 2) end
local n = math.max(#s, select("#", table.unpack(t, 1, 2))) // 1 << 2
return network { input = vector(n), linear(tonumber("0x3")), softmax() }
