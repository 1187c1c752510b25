local a = points "xnor"
