local function f(x) return curve { f = f } end
f(1)
return network { input = vector(2), linear(2) }
