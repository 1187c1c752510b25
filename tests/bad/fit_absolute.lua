local f = fit "/etc/passwd"
