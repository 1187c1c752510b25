local f = fit "syntax"
