return { L = }
