static void ${name}(${parameters})
{
    enum { FLOATS = ${FLOATS}, BLOCK = 4096 };
#pragma omp for nowait
    for (int block = 0; block < (FLOATS + BLOCK - 1) / BLOCK; block++) {
        const int floats = FLOATS - block * BLOCK < BLOCK ? FLOATS - block * BLOCK : BLOCK;
        memset(gradient + block * BLOCK, 0, (size_t)floats * sizeof(float));
    }
}

