static void ${name}(${parameters})
{
#pragma omp single
    lathe_mask_groups(parameter, gradient);
}

