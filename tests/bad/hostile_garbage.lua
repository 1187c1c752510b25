local keep = {}
for i = 1, 44 do keep[i] = ("x"):rep(1e6) end
while true do
  local s = ("y"):rep(1e6)
end
