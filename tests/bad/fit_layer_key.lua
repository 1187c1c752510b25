local act = dynamic(fit "key")
return network { input = vector(4), linear(3), act, linear(2), act }
