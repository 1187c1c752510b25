_ENV = nil
local c = conv(6, 5)
