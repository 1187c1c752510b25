for k in pairs(math) do end
