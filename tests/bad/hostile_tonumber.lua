local s = ("1"):rep(1e6)
while true do
  local n = s + 0
end
