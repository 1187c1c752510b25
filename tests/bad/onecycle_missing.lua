local a = onecycle { pct_start = 0.3 }
