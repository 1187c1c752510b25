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

/* Give WANTED of the COUNT places without a role, spread evenly over these, ROLE. FREE: how many
 * are without. */
static void spread(char *roles, int count, int free, int wanted, char role)
{
    int passed = 0, given = 0;
    for (int i = 0; i < count && given < wanted; i++) {
        if (roles[i])
            continue;
        if (passed++ == (int)((int64_t)given * free / wanted)) {
            roles[i] = role;
            given++;
        }
    }
}

struct lathe_split lathe_split_counts(const char *name, int count, int subset, int held)
{
    enum { KEPT = 1, HELD };
    int kept = subset ? subset : count - held, places[HELD + 1] = {0};
    if (subset && subset > count - held)
        lathe_die(LATHE_USER, "%s: %d samples to train on and %d for validation, but there are %d",
                  name, subset, held, count);
    if (kept < 1)
        lathe_die(LATHE_USER, "%s: %d samples for validation of %d leave none to train on", name,
                  held, count);
    struct lathe_split split = {.kept_count = kept, .held_count = held};
    split.kept = lathe_alloc((size_t)kept, sizeof *split.kept);
    split.held = held ? lathe_alloc((size_t)held, sizeof *split.held) : NULL;
    char *roles = lathe_alloc((size_t)count, 1);
    spread(roles, count, count, subset, KEPT);
    spread(roles, count, count - subset, held, HELD);
    spread(roles, count, count - subset - held, subset ? 0 : kept, KEPT);
    for (int i = 0; i < count; i++)
        if (roles[i])
            (roles[i] == KEPT ? split.kept : split.held)[places[(int)roles[i]]++] = (uint32_t)i;
    free(roles);
    return split;
}

uint64_t lathe_split_fingerprint(const struct lathe_split *split, int count)
{
    uint64_t hash = (uint64_t)count;
    for (int i = 0; i < split->kept_count + split->held_count; i++) {
        int k = i - split->kept_count;
        uint32_t place = k >= 0 ? split->held[k] : split->kept ? split->kept[i] : (uint32_t)i;
        hash = (hash ^ place) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    return hash;
}

void lathe_split_free(struct lathe_split *split)
{
    free(split->kept);
    free(split->held);
    *split = (struct lathe_split){0};
}
