local t = {}
for i = 1, 1000 do t[i] = ("x"):rep(1000) end
for i = 1, 1000 do t[i] = table.concat(t) end
local s = table.concat(t)
