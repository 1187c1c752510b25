local name = "resnet
return network { input = vector(2), linear(1) }
