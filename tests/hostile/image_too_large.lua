return network { input = image(65536, 65536, 65536), conv(8, 3) }
