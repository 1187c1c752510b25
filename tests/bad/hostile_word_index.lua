local c = conv(6, 5)
local n = c.channels
