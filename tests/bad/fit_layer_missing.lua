local act = dynamic(fit "other")
return network { input = vector(4), linear(3), act }
