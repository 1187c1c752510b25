-- Dynamic, one curve for all layers, as the authors fitted it (ResNet-9, CIFAR-100).
return { L = 55.9344471040698, Q = 12, I = 0.0292401773821286, P = 2, Z = 10 }
