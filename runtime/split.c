/* split: training samples and those held out. See split.h. */
#include <stdlib.h>

#include "split.h"

struct lathe_split lathe_split_new(const char *name, int count, double share)
{
    const double rounding = 1e-6; /* shares such as 0.1 are no exact doubles */
    struct lathe_split split = {.kept_count = count};
    if (share == 0)
        return split;
    split.held_count = (int)(count * share + rounding);
    split.kept_count = count - split.held_count;
    if (split.held_count < 1 || split.kept_count < 1)
        lathe_die(LATHE_USER,
                  "%s: validation: %g of %d training samples leaves %d, and %d to train", name,
                  share, count, split.held_count, split.kept_count);
    split.kept = lathe_alloc((size_t)split.kept_count, sizeof *split.kept);
    split.held = lathe_alloc((size_t)split.held_count, sizeof *split.held);
    int held = 0;
    for (int i = 0; i < count; i++)
        if ((int)((i + 1) * share + rounding) > held)
            split.held[held++] = (uint32_t)i;
        else
            split.kept[i - held] = (uint32_t)i;
    return split;
}

void lathe_split_free(struct lathe_split *split)
{
    free(split->kept);
    free(split->held);
    *split = (struct lathe_split){0};
}
