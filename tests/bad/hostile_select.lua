select(1 << 62)
select(-1)
