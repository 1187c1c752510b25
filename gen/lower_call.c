/*
 * lower_call: regions of memory, and calls with their operands.
 */
#include "lower.h"

/* ---- regions ---- */

struct region *add_region(struct lowering *l, enum space space, const char *name, size_t floats,
                          const char *note)
{
    struct region *region = arena_new_of(l->arena, struct region);
    *region = (struct region){
        .name = name, .space = space, .floats = floats, .first = -1, .last = -1, .note = note};
    vector_push(l->arena, &l->program->regions, region);
    return region;
}

struct region *scratch(struct lowering *l, const char *name, size_t floats, const char *note)
{
    return add_region(l, SPACE_WORK, name, floats, note);
}

struct region *weights_region(struct lowering *l, const char *owner, const char *suffix,
                              size_t floats)
{
    return add_region(l, SPACE_WEIGHTS, arena_printf(l->arena, "%s.%s", owner, suffix), floats,
                      "packed");
}

static const char *layout_note(struct lowering *l, const struct layout *layout)
{
    return arena_printf(l->arena, "%d x %d x %d x %d x %d%s", images_of(l, layout),
                        layout_blocks(layout), layout->h, layout->w, layout->block,
                        layout->samples > 1 ? " samples" : "");
}

static struct region *region_of_root(struct lowering *l, const struct tensor *root)
{
    if (!l->of_tensor[root->id]) {
        const struct layout *layout = layout_of(l, root);
        size_t image = layout_image(layout);
        struct region *region = add_region(l, SPACE_WORK, root->name,
                                           checked_multiply((size_t)images_of(l, layout), image),
                                           layout_note(l, layout));
        region->tensor = root;
        region->layout = *layout;
        region->image = image;
        l->of_tensor[root->id] = region;
    }
    return l->of_tensor[root->id];
}

/* The part of FROM, which may be a slice itself, that TENSOR is. */
static struct region *slice_of(struct lowering *l, const struct tensor *tensor, struct region *from)
{
    const struct layout *layout = layout_of(l, tensor);
    struct region *whole = from->whole ? from->whole : from;
    size_t start =
        from->start + (size_t)layout->first_block * layout->h * layout->w * layout->block;
    struct region *slice = l->slices[tensor->id];
    if (slice && slice->whole == whole && slice->start == start)
        return slice;
    slice = add_region(l, whole->space, tensor->name, whole->floats - start,
                       arena_printf(l->arena, "%s, of %s", layout_note(l, layout), whole->name));
    slice->tensor = tensor;
    slice->layout = *layout;
    slice->image = whole->image;
    slice->whole = whole;
    slice->start = start;
    return l->slices[tensor->id] = slice;
}

struct region *region_of(struct lowering *l, const struct tensor *tensor)
{
    const struct layout *layout = layout_of(l, tensor), *root = layout_of(l, layout->root);
    struct region *region = region_of_root(l, layout->root);
    if (layout->first_block == 0 && layout_blocks(layout) == layout_blocks(root))
        return region;
    return slice_of(l, tensor, region);
}

/* ---- calls and operands ---- */

struct call *add_call(struct lowering *l, const struct group *group, const char *template_name,
                      const char *kernel_name, const char *label)
{
    struct call *call = arena_new_of(l->arena, struct call);
    *call = (struct call){.template_name = template_name,
                          .kernel_name = kernel_name,
                          .label = label,
                          .group = group,
                          .gate = group ? group->gate : NULL,
                          .arguments = value_table(l->arena)};
    vector_push(l->arena, &l->program->calls, call);
    value_int(call->arguments, "V", l->lanes);
    return call;
}

void prepare_call(struct lowering *l, struct call *call)
{
    check_bug(l->program->calls.items[l->program->calls.count - 1] == call);
    l->program->calls.count--;
    for (int i = 0; i < call->operands.count; i++)
        call->operands.items[i].region->first = call->operands.items[i].region->last = -1;
    vector_push(l->arena, &l->program->prepares, call);
}

static void add_operand(struct lowering *l, struct call *call, const char *type, const char *name,
                        struct region *region)
{
    struct operand operand = {.name = name, .type = type, .region = region};
    vector_push(l->arena, &call->operands, operand);
    if (region->image)
        value_int(call->arguments, arena_printf(l->arena, "%s_image", name),
                  (long long)region->image);
    int index = l->program->calls.count - 1;
    for (struct region *r = region; r; r = r->whole) {
        if (r->first < 0)
            r->first = index;
        r->last = index;
    }
}

void read_operand(struct lowering *l, struct call *call, const char *name, struct region *region)
{
    add_operand(l, call, "const float *restrict ", name, region);
}

void write_operand(struct lowering *l, struct call *call, const char *name, struct region *region)
{
    add_operand(l, call, "float *restrict ", name, region);
    call->operands.items[call->operands.count - 1].writes = true;
}

void text_operand(struct lowering *l, struct call *call, const char *type, const char *name,
                  const char *text)
{
    struct operand operand = {.name = name, .type = type, .text = text};
    vector_push(l->arena, &call->operands, operand);
}

void shared_operands(struct call *call)
{
    for (int i = 0; i < call->operands.count; i++)
        if (call->operands.items[i].region)
            call->operands.items[i].type =
                call->operands.items[i].writes ? "float *" : "const float *";
}

void outer_operands(struct call *call, int count)
{
    for (int i = call->operands.count - count; i < call->operands.count; i++)
        call->operands.items[i].outer = true;
}

int images_of(const struct lowering *l, const struct layout *layout)
{
    return divide_up(l->batch, layout->samples);
}

void samples_operand(struct lowering *l, struct call *call)
{
    text_operand(l, call, "int ", "count", "count");
    outer_operands(call, 1);
}

void count_operand(struct lowering *l, struct call *call)
{
    int samples = call->group ? layout_of(l, call->group->input)->samples : 1;
    samples_operand(l, call);
    if (samples > 1)
        call->operands.items[call->operands.count - 1].text =
            arena_printf(l->arena, "(count + %d) / %d", samples - 1, samples);
}

void random_operands(struct lowering *l, struct call *call)
{
    text_operand(l, call, "uint64_t ", "seed", "seed");
    text_operand(l, call, "uint64_t ", "step", "step");
}
