for i, v in ipairs(conv(6, 5)) do end
