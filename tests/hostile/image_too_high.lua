return network { input = image(3, 1000000, 1000000), conv(8, 3) }
