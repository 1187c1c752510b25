local f = fit "layers"
