local act = dynamic(fit "two")
return network { input = vector(4), linear(3), act }
