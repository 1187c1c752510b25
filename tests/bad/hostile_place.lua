error("#0:99999999999: #7:1: elsewhere", 0)
