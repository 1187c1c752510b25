local f = "\27Lua"
f()
