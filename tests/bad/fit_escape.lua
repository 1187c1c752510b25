local f = fit "../../specs/fits/seed-global"
