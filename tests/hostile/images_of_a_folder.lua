return network {
  flatten(), linear(2), data = images { dir = "/etc", size = { 3, 8, 8 }, classes = 2 },
}
