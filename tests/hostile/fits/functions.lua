return { L = function() end }
