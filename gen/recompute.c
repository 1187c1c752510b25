/*
 * recompute: compute again in the backward pass what is cheaper than to keep.
 *
 * A call that only moves numbers through element-wise steps, R = steps(raw), can run a second time
 * just before the backward pass reads R: raw is kept anyway, for the steps' own slopes.
 *
 *   kept         R  |=====forward=====|---------------------|==backward==|
 *   recomputed   R  |=====forward=====|            R.again  |==backward==|
 *
 * That is done where it lowers the peak: to regions that lie idle while most of the work space is
 * in use, the largest first (Chen, Xu, Zhang, Guestrin: "Training deep nets with sublinear memory
 * cost", 2016, section 4, whose cheap operations these are).
 */
#include "program.h"

enum {
    WORTH_FLOATS = 16 << 20, /* of work space, below which memory is not scarce */
    WORTH_SHARE = 64,        /* of the peak, that a region must free */
    MOST_TRAFFIC = 4         /* floats read and written to have one of R again */
};

static struct region *root_of(struct region *region)
{
    return region->whole ? region->whole : region;
}

/* Call NUMBER reads (or, WRITES, writes) REGION or another slice of what it is a slice of. */
static bool touches(const struct program *program, int number, struct region *region, bool writes)
{
    const struct call *call = program->calls.items[number];
    for (int i = 0; i < call->operands.count; i++) {
        const struct operand *o = &call->operands.items[i];
        if (o->region && root_of(o->region) == root_of(region) && o->writes == writes)
            return true;
    }
    return false;
}

/* Whether calls FIRST to END - 1 write REGION, which none outside of its life does. */
static bool written_between(const struct program *program, struct region *region, int first,
                            int end)
{
    const struct region *root = root_of(region);
    for (int i = max_int(first, root->first); i < min_int(end, root->last + 1); i++)
        if (touches(program, i, region, true))
            return true;
    return false;
}

/* The only region that CALL writes; NULL: it writes more, or slices. */
static struct region *result_of(const struct program *program, const struct call *call)
{
    struct region *result = NULL;
    for (int i = 0; i < call->operands.count; i++) {
        struct region *region = call->operands.items[i].region;
        if (!region || !call->operands.items[i].writes)
            continue;
        if (result || region->space != SPACE_WORK || region->whole)
            return NULL;
        result = region;
    }
    for (int i = 0; i < program->regions.count; i++)
        if (result && program->regions.items[i]->whole == result)
            return NULL;
    return result;
}

/* Lifetimes anew, from the calls. */
static void find_lifetimes(struct program *program)
{
    for (int i = 0; i < program->regions.count; i++)
        program->regions.items[i]->first = program->regions.items[i]->last = -1;
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        for (int j = 0; j < call->operands.count; j++)
            for (struct region *r = call->operands.items[j].region; r; r = r->whole) {
                if (r->first < 0)
                    r->first = i;
                r->last = i;
            }
    }
}

/* A call that can run again, what it makes, and when. */
struct repeat {
    int call; /* number of the call */
    struct region *result;
    int idle_from, before; /* calls between these do not need the result */
};

/* What the call R computes again is there before call BEFORE as it was: nothing has written it, and
 * it is needed later still. */
static bool sources_last(const struct program *program, const struct repeat *r)
{
    const struct call *call = program->calls.items[r->call];
    size_t traffic = 0;
    for (int i = 0; i < call->operands.count; i++) {
        struct region *region = call->operands.items[i].region;
        if (!region || region->space == SPACE_STATE)
            continue;
        traffic += region->image ? region->floats : 0;
        if (region != r->result &&
            (region->space != SPACE_WORK || root_of(region)->last < r->before ||
             written_between(program, region, r->call + 1, r->before)))
            return false;
    }
    return traffic <= MOST_TRAFFIC * r->result->floats;
}

/* Whether call NUMBER can be repeated in the backward pass, which begins at call BACKWARD, and
 * makes LEAST floats or more. */
static bool find_repeat(const struct program *program, int number, int backward, size_t least,
                        struct repeat *r)
{
    const struct call *call = program->calls.items[number];
    *r = (struct repeat){.call = number, .idle_from = number};
    if (!call->repeatable || call->gate || call->unless ||
        !(r->result = result_of(program, call)) || r->result->floats < least ||
        written_between(program, r->result, 0, number) ||
        written_between(program, r->result, number + 1, program->calls.count))
        return false;
    int last = r->result->last;
    for (int i = number + 1; i <= last && i < backward; i++)
        if (touches(program, i, r->result, false))
            r->idle_from = i;
    for (r->before = backward; r->before <= last; r->before++)
        if (touches(program, r->before, r->result, false))
            break;
    return r->before <= last && sources_last(program, r);
}

static void replace_region(struct call *call, const struct region *from, struct region *to)
{
    for (int i = 0; i < call->operands.count; i++)
        if (call->operands.items[i].region == from)
            call->operands.items[i].region = to;
}

/* Insert the call of R again, and let those behind it read what it makes. */
static void repeat(struct program *program, const struct repeat *r)
{
    struct region *again = arena_new_of(program->arena, struct region);
    *again = *r->result;
    again->name = arena_printf(program->arena, "%s.again", r->result->name);
    again->tensor = NULL; /* the first is the one to compare */
    vector_push(program->arena, &program->regions, again);

    const struct call *first = program->calls.items[r->call];
    struct call *call = arena_new_of(program->arena, struct call);
    *call = *first;
    call->label = "again, for backward";
    call->operands.items = arena_array(program->arena, first->operands.count, struct operand);
    for (int i = 0; i < first->operands.count; i++)
        call->operands.items[i] = first->operands.items[i];
    replace_region(call, r->result, again);

    vector_push(program->arena, &program->calls, call);
    for (int i = program->calls.count - 1; i > r->before; i--) {
        program->calls.items[i] = program->calls.items[i - 1];
        replace_region(program->calls.items[i], r->result, again);
    }
    program->calls.items[r->before] = call;
    find_lifetimes(program);
}

/* The call during which most of the work space is in use, and how much that is. */
static int find_peak(const struct program *program, size_t *floats)
{
    size_t *begins = arena_array(program->arena, (size_t)program->calls.count + 1, size_t);
    size_t *ends = arena_array(program->arena, (size_t)program->calls.count + 1, size_t);
    for (int i = 0; i < program->regions.count; i++) {
        const struct region *r = program->regions.items[i];
        if (r->space != SPACE_WORK || r->whole || r->last < 0)
            continue;
        begins[r->first] += r->floats;
        ends[r->last + 1] += r->floats;
    }
    int peak = 0;
    size_t live = 0;
    *floats = 0;
    for (int i = 0; i < program->calls.count; i++) {
        live += begins[i] - ends[i];
        if (live > *floats) {
            *floats = live;
            peak = i;
        }
    }
    return peak;
}

/* The call behind the loss's last: what the loss reads is there for it anyway. */
static int find_backward(const struct program *program)
{
    int i = program->calls.count;
    while (i > 0 && !(program->calls.items[i - 1]->group &&
                      program->calls.items[i - 1]->group->kind == GROUP_LOSS))
        i--;
    return i > 0 ? i : program->calls.count;
}

/* The repeat that frees most at the peak; ALWAYS: any. Of equal ones the last: what it is computed
 * from can still be computed again before it. */
static bool choose_repeat(const struct program *program, bool always, struct repeat *best)
{
    size_t floats;
    int peak = find_peak(program, &floats), backward = find_backward(program);
    best->result = NULL;
    if (!always && floats < WORTH_FLOATS)
        return false;
    size_t least = always ? 0 : floats / WORTH_SHARE;
    for (int i = 0; i < backward; i++) {
        struct repeat r;
        if (!find_repeat(program, i, backward, least, &r) ||
            (!always && (r.idle_from >= peak || r.before <= peak)))
            continue;
        if (!best->result || r.result->floats >= best->result->floats)
            *best = r;
    }
    return best->result != NULL;
}

void recompute(struct program *program, bool always)
{
    struct repeat r;
    while (program->training && choose_repeat(program, always, &r))
        repeat(program, &r);
}
