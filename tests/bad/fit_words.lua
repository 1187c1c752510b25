local f = fit "words"
