static void ${name}(${parameters})
{
    enum { V = ${V}, C = ${C}, H = ${H}, W = ${W} };
#pragma omp for nowait collapse(2)
    for (int n = 0; n < count; n++)
        for (int c = 0; c < C; c++)
            for (int pixel = 0; pixel < H * W; pixel++)
                out[((size_t)n * C + c) * (H * W) + pixel] =
                    in[(size_t)n * ${in_image} + ((size_t)(c / V) * (H * W) + pixel) * V + c % V];
}

