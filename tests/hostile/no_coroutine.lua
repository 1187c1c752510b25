coroutine.wrap(f)()
return network { input = vector(2), linear(2) }
