static void ${name}(${parameters})
{
    enum { FLOATS = ${FLOATS}, BLOCK = 4096, SPLITS = ${SPLITS}, SPLIT_IMAGES = ${SPLIT_IMAGES} };
    const int used = (count + SPLIT_IMAGES - 1) / SPLIT_IMAGES;
#pragma omp for nowait
    for (int block = 0; block < (FLOATS + BLOCK - 1) / BLOCK; block++) {
        const int end = (block + 1) * BLOCK < FLOATS ? (block + 1) * BLOCK : FLOATS;
        for (int i = block * BLOCK; i < end; i += ${V}) {
            vf total = lathe_load(partial + i);
            for (int s = 1; s < used; s++)
                total += lathe_load(partial + (size_t)s * FLOATS + i);
            lathe_store(sum + i, total);
        }
    }
}

