_ENV.network = function() return 1 end
