local f = require("os")
