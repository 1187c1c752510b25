local f = fit "nowhere"
