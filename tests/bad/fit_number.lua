local f = fit "number"
