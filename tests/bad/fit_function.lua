local f = fit "function"
