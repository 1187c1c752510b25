/*
 * show_predict: how long each group takes at least, by flops and bytes. See show.h.
 */
#include "show.h"

#include <string.h>

/* The calls of one group. */
struct prediction {
    const char *group;
    double compute, memory, least; /* seconds; least: of the sum over calls of the larger */
};

struct predictions {
    struct prediction *rows;
    int count;
};

static struct prediction *find_row(struct predictions *list, const char *group)
{
    for (int i = 0; i < list->count; i++)
        if (strcmp(list->rows[i].group, group) == 0)
            return &list->rows[i];
    list->rows[list->count].group = group;
    return &list->rows[list->count++];
}

static struct predictions predict(const struct program *program, const struct show_options *show)
{
    struct predictions list = {
        arena_array(program->arena, (size_t)program->calls.count + 2, struct prediction), 0};
    struct prediction total = {.group = "total"};
    for (int i = 0; i < program->calls.count; i++) {
        const struct call *call = program->calls.items[i];
        struct traffic traffic = call_traffic(call);
        double bytes = traffic.sample_bytes * program->batch + traffic.fixed_bytes;
        double compute = call->flops * program->batch * 1e-9 / show->peak;
        double memory = bytes * 1e-9 / show->bandwidth;
        struct prediction *row = find_row(&list, call->group ? call->group->name : "border");
        row->compute += compute;
        row->memory += memory;
        row->least += compute > memory ? compute : memory;
        total.least += compute > memory ? compute : memory;
    }
    list.rows[list.count++] = total;
    return list;
}

static void print_predictions(const struct program *program, const struct show_options *show,
                              struct text *out)
{
    struct predictions list = predict(program, show);
    int width = 5;
    for (int i = 0; i < list.count; i++)
        width = max_int(width, (int)strlen(list.rows[i].group));
    text_printf(out, "\n%s of %d samples at %.1f GFLOP/s and %.1f GB/s, at least:\n",
                program->training ? "training step" : "inference", program->batch, show->peak,
                show->bandwidth);
    text_printf(out, "%-*s %10s %10s %10s\n", width, "group", "ms", "compute", "memory");
    for (int i = 0; i < list.count - 1; i++)
        text_printf(out, "%-*s %10.3f %10.3f %10.3f\n", width, list.rows[i].group,
                    list.rows[i].least * 1e3, list.rows[i].compute * 1e3,
                    list.rows[i].memory * 1e3);
    text_printf(out, "%-*s %10.3f\n", width, "total", list.rows[list.count - 1].least * 1e3);
}

void show_prediction(const struct program *infer, const struct program *train,
                     const struct show_options *show, struct text *out)
{
    print_predictions(infer, show, out);
    if (train)
        print_predictions(train, show, out);
}
