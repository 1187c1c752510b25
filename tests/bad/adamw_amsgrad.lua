local a = adamw { amsgrad = 1 }
