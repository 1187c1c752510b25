return network { input = image(65536, 64, 64), conv(65536, { 65536, 65536 }, { pad = 65536 }) }
