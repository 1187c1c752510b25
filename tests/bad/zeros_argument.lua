local a = zeros { std = 1 }
