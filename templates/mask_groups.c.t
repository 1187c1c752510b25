static void ${name}(${parameters})
{
#pragma omp single nowait
    lathe_mask_groups(parameter, gradient);
}

