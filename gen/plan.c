/*
 * plan: give every region its place in the arena.
 *
 * The spaces stand one after the other; within the work space two regions may share floats if no
 * call lies in both their lifetimes. Regions are placed largest first, each at the lowest offset
 * where it fits ("greedy by size", Pisarchyk and Lee, "Efficient memory management for deep neural
 * net inference", 2020, section 5.2): every region keeps clear of those already placed that live at
 * the same time.
 */
#include "program.h"
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 16 }; /* floats: a cache line */

static size_t aligned(size_t floats)
{
    return (floats + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int by_size(const void *a, const void *b)
{
    const struct region *x = *(struct region *const *)a, *y = *(struct region *const *)b;
    if (x->floats != y->floats)
        return x->floats < y->floats ? 1 : -1;
    if (x->first != y->first)
        return x->first - y->first;
    return x->last != y->last ? x->last - y->last : strcmp(x->name, y->name);
}

/* A region that has its place: what the search for others' goes through, all of it in a row. */
struct placed {
    size_t offset, end;
    int first, last;
};

/* REGION among the COUNT of PLACED, sorted by offset. */
static void insert_by_offset(struct placed *placed, int count, struct placed region)
{
    int i = count;
    for (; i > 0 && placed[i - 1].offset > region.offset; i--)
        placed[i] = placed[i - 1];
    placed[i] = region;
}

/* The lowest offset at which REGION keeps clear of the COUNT of PLACED, sorted by offset, that live
 * when it does; of all where KEEP. */
static size_t lowest_gap(const struct region *region, const struct placed *placed, int count,
                         bool keep)
{
    size_t offset = 0, floats = aligned(region->floats);
    for (int i = 0; i < count; i++) {
        const struct placed *other = &placed[i];
        if (!keep && (region->first > other->last || other->first > region->last))
            continue;
        if (offset + floats <= other->offset)
            break;
        if (other->end > offset)
            offset = other->end;
    }
    return offset;
}

static size_t place_work(struct program *program, struct region **list, int count)
{
    size_t size = 0;
    qsort(list, (size_t)count, sizeof *list, by_size);
    struct placed *placed = arena_array(program->arena, (size_t)count + 1, struct placed);
    for (int i = 0; i < count; i++) {
        struct region *region = list[i];
        region->offset = lowest_gap(region, placed, i, program->keep);
        size_t end = region->offset + aligned(region->floats);
        if (end > size)
            size = end;
        insert_by_offset(placed, i,
                         (struct placed){region->offset, end, region->first, region->last});
    }
    return size;
}

void plan_memory(struct program *program)
{
    int count = 0;
    struct region **work =
        arena_array(program->arena, (size_t)program->regions.count + 1, struct region *);
    size_t *size = program->space_offset; /* sizes first, turned into offsets below */

    for (int i = 0; i < program->regions.count; i++) {
        struct region *region = program->regions.items[i];
        if (region->whole)
            continue;
        if (region->space == SPACE_WORK && region->last >= 0)
            work[count++] = region;
        else if (region->space == SPACE_WEIGHTS) {
            region->offset = size[SPACE_WEIGHTS];
            size[SPACE_WEIGHTS] += aligned(region->floats);
        }
    }
    size[SPACE_STATE] = aligned(program->training ? program->state_floats : 0);
    size[SPACE_GRADIENT] = aligned(program->training ? program->trainable_floats : 0);
    size[SPACE_WORK] = place_work(program, work, count);

    size_t offset = 0;
    for (int s = 0; s <= SPACE_COUNT; s++) {
        size_t floats = s < SPACE_COUNT ? size[s] : 0;
        size[s] = offset;
        offset = checked_add(offset, floats);
    }
    if (offset > INT32_MAX)
        fail(STATUS_USER,
             "the network needs %zu MB, more than an arena holds: take a smaller batch",
             offset / 262144);
    for (int i = 0; i < program->regions.count; i++) {
        struct region *region = program->regions.items[i];
        if (region->space != SPACE_CALLER && !region->whole)
            region->offset += size[region->space];
    }
    for (int i = 0; i < program->regions.count; i++) {
        struct region *region = program->regions.items[i];
        if (region->whole)
            region->offset = region->whole->offset + region->start;
    }
}

/* Of a sample of REGION as the call reads or writes it; 0: it holds no samples. */
static size_t sample_floats(const struct region *region)
{
    if (region->image)
        return layout_floats(&region->layout);
    return region->space == SPACE_CALLER && region->tensor ? tensor_elements(region->tensor) : 0;
}

struct traffic call_traffic(const struct call *call)
{
    struct traffic traffic = {0};
    for (int i = 0; i < call->operands.count; i++) {
        const struct region *region = call->operands.items[i].region;
        bool again = false;
        for (int k = 0; k < i; k++)
            again = again || call->operands.items[k].region == region;
        if (!region || again)
            continue;
        size_t floats = sample_floats(region);
        traffic.sample_bytes += 4.0 * (double)floats;
        traffic.fixed_bytes += floats ? 0 : 4.0 * (double)region->floats;
    }
    return traffic;
}

void program_print(const struct program *program, struct text *out)
{
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        text_printf(out, "%3d %s %s(", i + 1, call->group ? call->group->name : "-",
                    call->kernel_name);
        for (int j = 0; j < call->operands.count; j++)
            text_printf(out, "%s%s", j ? ", " : "",
                        call->operands.items[j].region ? call->operands.items[j].region->name
                                                       : call->operands.items[j].text);
        text_printf(out, ")\n");
    }
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *r = program->regions.items[i];
        text_printf(out, "%12zu %12zu %s, calls %d to %d\n", r->offset, r->floats, r->name,
                    r->first + 1, r->last + 1);
    }
    text_printf(out, "arena: %zu floats\n", program->space_offset[SPACE_COUNT]);
}
