return { word = "network", kind = "network" }
