local list = {}
for i = 1, 2000 do list[i] = conv(65536, 3) end
return network { input = image(3, 256, 256), concat(list), conv(65536, 3) }
