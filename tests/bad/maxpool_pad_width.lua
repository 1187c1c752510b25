return network { input = image(3, 8, 8), maxpool(2, { pad = { 0, 2, 0, 2 } }) }
