return network { input = image(30000, 64, 64), conv(65536, 63) }
