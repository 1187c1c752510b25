return network { input = image(32768, 65536, 1), flatten(), linear(2) }
