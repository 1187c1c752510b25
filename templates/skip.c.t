$ -- The gradient of what a skipped body reads: what there is without the body, or 0.
static void ${name}(${parameters})
{
    enum { FLOATS = ${FLOATS} };
#pragma omp for nowait
    for (int n = 0; n < count; n++)
$ if accumulates then
        memcpy(out + (size_t)n * ${out_image}, accumulate + (size_t)n * ${accumulate_image},
               FLOATS * sizeof(float));
$ else
        memset(out + (size_t)n * ${out_image}, 0, FLOATS * sizeof(float));
$ end
}

