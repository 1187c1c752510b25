local a = sgd { nesterov = true }
