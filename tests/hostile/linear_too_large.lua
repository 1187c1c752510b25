return network { input = vector(65536), linear(1048576), linear(1048576) }
