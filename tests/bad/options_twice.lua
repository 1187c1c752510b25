local o = options { width = 3 }
local p = options { k = 3 }
