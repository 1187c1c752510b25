local list = { 3, 2, 1 }
table.sort(list, function(a, b)
  for i = 1, 1000 do list[#list + 1] = i end
  return a < b
end)
while true do table.sort(list) end
return network { input = vector(2), linear(2) }
