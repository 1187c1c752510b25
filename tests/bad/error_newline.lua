error("first line\nsecond line\r\27[31mred", 0)
