local f = fit "cycle"
