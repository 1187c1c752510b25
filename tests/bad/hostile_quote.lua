local s = ("\n"):rep(4e5)
while true do
  local q = ("%q"):format(s)
end
