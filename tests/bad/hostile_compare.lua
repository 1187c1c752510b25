local a, b = ("x"):rep(1e6), ("x"):rep(1e6 - 1) .. "x"
while a == b do end
