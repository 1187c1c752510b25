/*
 * verify_gradients: the double interpreter's gradients against central differences of its own loss.
 */
#include "verify_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A walk along a line through one tensor's values. */
struct probe {
    struct interp *interp;
    const struct tensor *tensor;
    const bool *downstream;  /* by place in the layout's nodes: depends on the tensor */
    const double *origin;    /* the tensor's values */
    double *moved;           /* scratch */
    const double *direction; /* NULL: along number ENTRY alone */
    size_t entry, count;
};

/* The loss at ORIGIN + DISTANCE * DIRECTION. */
static double loss_at(struct probe *probe, double distance)
{
    memcpy(probe->moved, probe->origin, probe->count * sizeof *probe->moved);
    if (!probe->direction)
        probe->moved[probe->entry] += distance;
    for (size_t i = 0; i < probe->count && probe->direction; i++)
        probe->moved[i] += distance * probe->direction[i];
    const struct interp_layout *layout = probe->interp->layout;
    interp_set(probe->interp, probe->tensor, probe->moved, probe->count);
    for (int i = 0; i < layout->node_count; i++)
        if (probe->downstream[i])
            interp_node(layout->nodes[i], &probe->interp->run);
    double loss;
    interp_get(probe->interp, layout->graph->loss, &loss, 1);
    return loss;
}

/* Error of SLOPE as a share of what is allowed: relative 1e-3 and absolute 1e-5. Central
 * differences with 1e-6; where these disagree, a kink (or a table's step) may lie between the two
 * points: then shorter and one-sided differences decide. A wrong slope agrees with none of them. */
static double slope_error(struct probe *probe, double slope)
{
    static const double steps[][2] = {{1e-6, 1e-6}, {1e-7, 1e-7}, {1e-6, 0},   {0, 1e-6},
                                      {1e-7, 0},    {0, 1e-7},    {1e-8, 1e-8}};
    double least = INFINITY;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !(least <= 1); i++) {
        double ahead = steps[i][0], behind = steps[i][1];
        double difference = (loss_at(probe, ahead) - loss_at(probe, -behind)) / (ahead + behind);
        double allowed = 1e-5 + 1e-3 * fmax(fabs(slope), fabs(difference));
        least = fmin(least, fabs(slope - difference) / allowed);
    }
    return least;
}

/* Forward nodes of LAYOUT that depend on TENSOR. */
static bool *find_downstream(struct arena *arena, const struct interp_layout *layout,
                             const struct tensor *tensor)
{
    bool *downstream = arena_array(arena, (size_t)layout->node_count, bool);
    bool *touched = arena_array(arena, (size_t)layout->graph->tensors.count, bool);
    touched[tensor->id] = true;
    for (int i = 0; i < layout->node_count; i++) {
        const struct node *node = layout->nodes[i];
        if (node->backward || node->outputs[0]->kind == TENSOR_GRADIENT)
            continue;
        for (int k = 0; k < node->input_count; k++)
            downstream[i] |= touched[node->inputs[k]->id];
        for (int k = 0; k < node->output_count && downstream[i]; k++)
            touched[node->outputs[k]->id] = true;
    }
    return downstream;
}

/* How thoroughly tensors are probed: those of up to ENTRIES numbers number by number, others along
 * SOME random ones and a random direction. */
struct plan {
    int entries, some;
};

/* Largest slope_error over the numbers of the probe's tensor, or some of them and a direction of
 * length 1. GRADIENT: the tensor's. */
static double probe_tensor(struct probe *probe, const double *gradient, uint64_t seed,
                           struct plan plan)
{
    double worst = 0;
    bool all = probe->count <= (size_t)plan.entries;
    for (size_t i = 0; i < (all ? probe->count : (size_t)plan.some); i++) {
        probe->entry = i;
        if (!all)
            probe->entry =
                (size_t)((trial_uniform(seed, TRIAL_STREAMS, i) + 1) / 2 * (double)probe->count);
        worst = fmax(worst, slope_error(probe, gradient[probe->entry]));
    }
    if (all)
        return worst;
    double *direction = lathe_alloc(probe->count, sizeof *direction), slope = 0;
    for (size_t i = 0; i < probe->count; i++) {
        double sign = trial_uniform(seed, TRIAL_STREAMS + 1, i) < 0 ? -1 : 1;
        direction[i] = sign / sqrt((double)probe->count);
        slope += direction[i] * gradient[i];
    }
    probe->direction = direction;
    worst = fmax(worst, slope_error(probe, slope));
    free(direction);
    return worst;
}

static bool verify_gradient(const struct trial *trial, struct interp *interp,
                            const struct tensor *tensor, struct plan plan, struct text *out)
{
    size_t count = interp_numbers(tensor, trial->count);
    double *numbers = lathe_alloc(3 * count, sizeof *numbers), *gradient = numbers + 2 * count;
    struct probe probe = {
        .interp = interp,
        .tensor = tensor,
        .downstream = find_downstream(trial->arena, interp->layout, tensor),
        .origin = numbers,
        .moved = numbers + count,
        .count = count,
    };
    interp_get(interp, tensor, numbers, count);
    interp_get(interp, tensor->gradient, gradient, count);
    double error = probe_tensor(&probe, gradient, trial->seed, plan);
    probe.direction = NULL;
    loss_at(&probe, 0); /* everything as it was, for the next tensor */
    free(numbers);
    return verify_row(out, tensor->gradient->name, tensor, 1e-3 * error, 1e-3);
}

/* The deeper the network, the more tensors, each of which costs passes through all of it. */
static struct plan plan_probes(const struct graph *graph, int entries)
{
    enum { MANY = 48 };
    int weights = 0;
    for (int i = 0; i < graph->tensors.count; i++)
        weights += graph->tensors.items[i]->kind == TENSOR_PARAMETER;
    return weights > MANY ? (struct plan){0, 1} : (struct plan){entries, 3};
}

bool verify_gradients(const struct graph *graph, const struct verify_options *options,
                      struct text *out)
{
    struct trial *trial = trial_draw(graph, options->seed, options->batch);
    struct interp *interp = trial_start(trial, PRECISION_DOUBLE, true);
    interp_step(interp, &trial->batch, trial->seed, 0);
    verify_heading(out, "gradients against central differences, double", trial->count);
    struct plan plan = plan_probes(graph, options->entries);
    bool ok = true;
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        if (tensor->kind == TENSOR_PARAMETER && tensor->gradient)
            ok &= verify_gradient(trial, interp, tensor, plan, out);
    }
    interp_free(interp);
    trial_drop(trial);
    return ok;
}
