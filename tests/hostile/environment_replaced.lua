local _ENV = { network = 1 }
return network { vector(2) }
