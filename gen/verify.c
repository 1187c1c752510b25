/*
 * verify: is what lathe computes right?
 */
#include "verify.h"

#include "interp.h"
#include "../runtime/random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- random weights and data ---- */

/* What a comparison runs on. */
struct trial {
    struct arena *arena; /* of all that follows */
    const struct graph *graph;
    uint64_t seed;
    int count;
    float **weights; /* logical, in interp_parameters' order */
    struct lathe_batch batch;
};

/* The INDEX-th number of stream A: uniform in (-1, 1), or roughly normal of deviation 1 (the sum of
 * twelve uniform ones: good enough for test data, and the same on every machine). */
static double uniform(uint64_t seed, uint32_t a, size_t index)
{
    struct lathe_random4 words =
        lathe_random(seed, LATHE_STREAM_TEST, a, (uint32_t)(index >> 32), (uint32_t)index);
    return (2.0 * words.v[0] + 1) * 0x1p-32 - 1;
}

static double normal(uint64_t seed, uint32_t a, size_t index)
{
    double sum = 0;
    for (uint32_t b = 0; b < 3; b++) {
        struct lathe_random4 words = lathe_random(seed, LATHE_STREAM_TEST, a, b, (uint32_t)index);
        for (int i = 0; i < 4; i++)
            sum += words.v[i] * 0x1p-32;
    }
    return sum - 6;
}

/* Weights as they are drawn for training, but what starts as a constant varies around it: gammas,
 * running means and variances (0.5 to 2) that a mistake cannot hide behind. */
static float drawn_weight(const struct tensor *tensor, uint64_t seed, uint32_t stream, size_t i)
{
    double value = tensor->init_value;
    if (tensor->kind == TENSOR_BUFFER && value > 0)
        return (float)exp2(uniform(seed, stream, i));
    if (tensor->init == LATHE_UNIFORM)
        return (float)(value * uniform(seed, stream, i));
    if (tensor->init == LATHE_NORMAL)
        return (float)(value * normal(seed, stream, i));
    return (float)(value + 0.3 * uniform(seed, stream, i));
}

static float *normal_numbers(struct arena *arena, uint64_t seed, uint32_t stream, size_t count)
{
    float *numbers = arena_array(arena, count, float);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)normal(seed, stream, i);
    return numbers;
}

enum { STREAM_INPUT = 1 << 20, STREAM_LABELS, STREAM_TARGETS, STREAM_PROBES };

static void draw_batch(struct trial *trial)
{
    const struct graph *graph = trial->graph;
    const struct tensor *output = graph->loss ? graph->loss->producer->inputs[0] : graph->output;
    size_t outputs = tensor_elements(output);
    struct lathe_batch *batch = &trial->batch;
    batch->count = trial->count;
    batch->input = normal_numbers(trial->arena, trial->seed, STREAM_INPUT,
                                  interp_numbers(graph->input, trial->count));
    batch->targets = normal_numbers(trial->arena, trial->seed, STREAM_TARGETS,
                                    interp_numbers(output, trial->count));
    batch->labels = arena_array(trial->arena, (size_t)trial->count, int32_t);
    for (int n = 0; n < trial->count; n++) {
        struct lathe_random4 words =
            lathe_random(trial->seed, LATHE_STREAM_TEST, STREAM_LABELS, 0, (uint32_t)n);
        batch->labels[n] = (int32_t)(words.v[0] % outputs);
    }
}

static struct trial *draw_trial(const struct graph *graph, uint64_t seed, int count)
{
    struct arena *arena = arena_new();
    struct trial *trial = arena_new_of(arena, struct trial);
    *trial = (struct trial){.arena = arena, .graph = graph, .seed = seed, .count = count};
    trial->weights = arena_array(arena, (size_t)graph->tensors.count, float *);
    uint32_t parameter = 0;
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        if (tensor->kind != TENSOR_PARAMETER && tensor->kind != TENSOR_BUFFER)
            continue;
        size_t numbers = interp_numbers(tensor, count);
        float *weights = trial->weights[parameter] = arena_array(arena, numbers, float);
        for (size_t k = 0; k < numbers; k++)
            weights[k] = drawn_weight(tensor, seed, parameter, k);
        parameter++;
    }
    draw_batch(trial);
    return trial;
}

static void drop_trial(struct trial *trial)
{
    arena_free(trial->arena);
}

/* An interpreter of the trial's graph with the trial's weights. */
static struct interp *start(const struct trial *trial, enum precision precision, bool training)
{
    struct interp *interp =
        interp_new(interp_lay_out(trial->arena, trial->graph, precision, trial->count, training));
    interp_load(interp, (const float *const *)trial->weights);
    return interp;
}

/* ---- the tables ---- */

/* A heading like "float kernels against double (batch 4)". */
static void print_heading(struct text *out, const char *title, int batch)
{
    text_printf(out, "%s (batch %d)\n  %-40s %-16s %10s %10s\n", title, batch, "tensor", "shape",
                "error", "bound");
}

static bool print_row(struct text *out, const char *name, const struct tensor *tensor, double error,
                      double bound)
{
    bool ok = error <= bound; /* false for NaN */
    struct text shape = {0};
    for (int i = 0; i < tensor->rank; i++)
        text_printf(&shape, "%s%d", i ? "x" : "", tensor->dims[i]);
    text_printf(out, "  %-40s %-16s %10.2e %10.2e  %s\n", name, shape.data, error, bound,
                ok ? "ok" : "FAIL");
    text_free(&shape);
    return ok;
}

/* ---- gradients against central differences ---- */

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

/* Largest slope_error over the numbers of the probe's tensor, or some of them and a direction of
 * length 1. GRADIENT: the tensor's. */
static double probe_tensor(struct probe *probe, const double *gradient, uint64_t seed, int entries)
{
    enum { SOME = 3 };
    double worst = 0;
    bool all = probe->count <= (size_t)entries;
    for (size_t i = 0; i < (all ? probe->count : SOME); i++) {
        probe->entry = i;
        if (!all)
            probe->entry =
                (size_t)((uniform(seed, STREAM_PROBES, i) + 1) / 2 * (double)probe->count);
        worst = fmax(worst, slope_error(probe, gradient[probe->entry]));
    }
    if (all)
        return worst;
    double *direction = lathe_alloc(probe->count, sizeof *direction), slope = 0;
    for (size_t i = 0; i < probe->count; i++) {
        double sign = uniform(seed, STREAM_PROBES + 1, i) < 0 ? -1 : 1;
        direction[i] = sign / sqrt((double)probe->count);
        slope += direction[i] * gradient[i];
    }
    probe->direction = direction;
    worst = fmax(worst, slope_error(probe, slope));
    free(direction);
    return worst;
}

static bool verify_gradient(const struct trial *trial, struct interp *interp,
                            const struct tensor *tensor, int entries, struct text *out)
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
    double error = probe_tensor(&probe, gradient, trial->seed, entries);
    probe.direction = NULL;
    loss_at(&probe, 0); /* everything as it was, for the next tensor */
    free(numbers);
    return print_row(out, tensor->gradient->name, tensor, 1e-3 * error, 1e-3);
}

bool verify_gradients(const struct graph *graph, const struct verify_options *options,
                      struct text *out)
{
    struct trial *trial = draw_trial(graph, options->seed, options->batch);
    struct interp *interp = start(trial, PRECISION_DOUBLE, true);
    interp_step(interp, &trial->batch, trial->seed, 0);
    print_heading(out, "gradients against central differences, double", trial->count);
    bool ok = true;
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        if (tensor->kind == TENSOR_PARAMETER && tensor->gradient)
            ok &= verify_gradient(trial, interp, tensor, options->entries, out);
    }
    interp_free(interp);
    drop_trial(trial);
    return ok;
}

/* ---- errors ---- */

static double norm(const double *numbers, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += numbers[i] * numbers[i];
    return sqrt(sum);
}

static double distance(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

/* Relative L2 error of MEASURED. Its scale is the norm of REFERENCE; where the sums behind it
 * cancel (MAGNITUDES: of their terms' absolute values; or NULL), no less than what BOUND has to be
 * relative to so that rounding single terms, 6e-8 each, is allowed. */
static double relative_error(const double *measured, const double *reference,
                             const double *magnitudes, size_t count, double bound)
{
    double error = distance(measured, reference, count), scale = norm(reference, count);
    if (magnitudes && bound > 0)
        scale = fmax(scale, norm(magnitudes, count) * 6e-8 / bound);
    return error == 0 ? 0 : error / fmax(scale, DBL_MIN);
}

/* What a node changes: its outputs, and batchnorm's running statistics, which it moves in place. */
struct changes {
    const struct tensor **tensors;
    double **magnitudes; /* parallel: see find_magnitudes */
    int count;
};

static struct changes changes_of(const struct node *node, bool training)
{
    size_t most = (size_t)(node->input_count + node->output_count);
    struct changes changes = {lathe_alloc(most, sizeof *changes.tensors),
                              lathe_alloc(most, sizeof *changes.magnitudes), 0};
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i])
            changes.tensors[changes.count++] = node->outputs[i];
    for (int i = 0; i < node->input_count && training && !node->backward; i++)
        if (node->inputs[i]->kind == TENSOR_BUFFER)
            changes.tensors[changes.count++] = node->inputs[i];
    return changes;
}

/* Place of TENSOR among NODE's outputs; 0 for what it moves in place. */
static int output_index(const struct node *node, const struct tensor *tensor)
{
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i] == tensor)
            return i;
    return 0;
}

/* The magnitudes of what NODE changes, run on INTERP's (double) inputs, which keep their values: an
 * array a change; NULLs where the operator needs none. */
static void find_magnitudes(const struct node *node, const struct interp *interp,
                            const struct changes *changes)
{
    double **arrays = changes->magnitudes;
    memset(arrays, 0, sizeof *arrays * (size_t)changes->count);
    if (!op_table[node->op]->magnitude)
        return;
    struct run run = interp->run;
    size_t tensors = (size_t)interp->layout->graph->tensors.count;
    run.data = lathe_alloc(tensors, sizeof *run.data);
    memcpy(run.data, interp->run.data, tensors * sizeof *run.data);
    for (int i = 0; i < changes->count; i++) {
        const struct tensor *tensor = changes->tensors[i];
        size_t count = interp_numbers(tensor, run.count);
        arrays[i] = lathe_alloc(count, sizeof **arrays);
        memcpy(arrays[i], run.data[tensor->id], count * sizeof **arrays);
        run.data[tensor->id] = arrays[i];
    }
    op_table[node->op]->magnitude(node, &run);
    free(run.data);
}

static void free_changes(const struct changes *changes)
{
    for (int i = 0; i < changes->count; i++)
        free(changes->magnitudes[i]);
    free(changes->magnitudes);
    free(changes->tensors);
}

/* ---- float kernels against double ---- */

/* NODE's inputs as floats have them, into SINGLE and WIDE alike, from EXACT. */
static void feed(const struct node *node, const struct interp *exact, struct interp *single,
                 struct interp *wide)
{
    for (int i = 0; i < node->input_count; i++) {
        const struct tensor *tensor = node->inputs[i];
        size_t count = interp_numbers(tensor, exact->run.count);
        const double *from = exact->run.data[tensor->id];
        float *narrow = single->run.data[tensor->id];
        double *rounded = wide->run.data[tensor->id];
        for (size_t k = 0; k < count; k++)
            rounded[k] = (double)(narrow[k] = (float)from[k]);
    }
}

static bool verify_kernel(const struct node *node, struct interp *single, struct interp *wide,
                          struct text *out)
{
    const struct changes changes = changes_of(node, true);
    find_magnitudes(node, wide, &changes);
    interp_node(node, &single->run);
    interp_node(node, &wide->run);
    bool ok = true;
    for (int i = 0; i < changes.count; i++) {
        const struct tensor *tensor = changes.tensors[i];
        size_t count = interp_numbers(tensor, wide->run.count);
        double bound =
            op_table[node->op]->tolerance(node, wide->run.count, output_index(node, tensor));
        double *measured = lathe_alloc(count, sizeof *measured);
        interp_get(single, tensor, measured, count);
        double error = relative_error(measured, wide->run.data[tensor->id], changes.magnitudes[i],
                                      count, bound);
        ok &= print_row(out, tensor->name, tensor, error, bound);
        free(measured);
    }
    free_changes(&changes);
    return ok;
}

bool verify_kernels(const struct graph *graph, const struct verify_options *options,
                    struct text *out)
{
    struct trial *trial = draw_trial(graph, options->seed, options->batch);
    bool training = graph->training;
    struct interp *exact = start(trial, PRECISION_DOUBLE, training);
    struct interp *single = start(trial, PRECISION_FLOAT, training);
    struct interp *wide = start(trial, PRECISION_DOUBLE, training);
    if (training)
        interp_step(exact, &trial->batch, trial->seed, 0);
    else
        interp_infer(exact, trial->batch.input, trial->count);
    void **single_data = single->run.data, **wide_data = wide->run.data;
    single->run = wide->run = exact->run;
    single->run.precision = PRECISION_FLOAT;
    single->run.data = single_data;
    wide->run.data = wide_data;

    print_heading(out, "float kernels against double, on the same inputs", trial->count);
    bool ok = true;
    for (int i = 0; i < exact->layout->node_count; i++) {
        feed(exact->layout->nodes[i], exact, single, wide);
        ok &= verify_kernel(exact->layout->nodes[i], single, wide, out);
    }
    interp_free(exact);
    interp_free(single);
    interp_free(wide);
    drop_trial(trial);
    return ok;
}

/* ---- a generated program against double ---- */

/* What is known of each tensor by id: the best of all attempts. */
struct verdict {
    bool compared;
    double error, bound;
};

struct comparison {
    const struct lathe_model *model;
    struct trial *trial;
    char *arena; /* of the generated training step */
    struct lathe_step_result result;
    struct interp *interp; /* double; tensors that the program keeps have its values */
    double *doubt;         /* by tensor id: bound of the error of what the program does not keep */
    struct verdict *verdicts;
    bool winograd;
};

static const struct lathe_parameter *find_parameter(const struct lathe_model *model,
                                                    const char *name)
{
    for (int i = 0; i < model->parameter_count; i++)
        if (!strcmp(model->parameters[i].name, name))
            return &model->parameters[i];
    fail(STATUS_USER, "the generated program has no parameter %s", name);
}

/* The trial's weights in the order of the model's parameters. */
static const float **order_weights(const struct lathe_model *model, const struct trial *trial)
{
    const float **ordered =
        arena_array(trial->arena, (size_t)model->parameter_count, const float *);
    int count = 0;
    for (int i = 0; i < trial->graph->tensors.count; i++) {
        const struct tensor *tensor = trial->graph->tensors.items[i];
        if (tensor->kind == TENSOR_PARAMETER || tensor->kind == TENSOR_BUFFER)
            ordered[find_parameter(model, tensor->name) - model->parameters] =
                trial->weights[count++];
    }
    if (count != model->parameter_count)
        fail(STATUS_USER, "the generated program has %d parameters, the graph %d",
             model->parameter_count, count);
    return ordered;
}

/* Numbers of a parameter, its gradient or a running statistic from BLOCK of the arena. */
static void read_packed(const struct comparison *comparison, const char *name, size_t block,
                        double *numbers)
{
    const struct lathe_parameter *parameter = find_parameter(comparison->model, name);
    size_t count = lathe_parameter_elements(parameter);
    float *logical = lathe_alloc(count, sizeof *logical);
    lathe_unpack(parameter, (const float *)(comparison->arena + block) + parameter->offset,
                 logical);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (double)logical[i];
    free(logical);
}

/* Numbers of a tensor as STORED lies in the arena, in logical order. */
static void read_blocked(const struct comparison *comparison, const struct lathe_tensor *stored,
                         double *numbers)
{
    const float *from = (const float *)(comparison->arena + stored->offset);
    int samples = stored->batched ? comparison->trial->count : 1, block = stored->block;
    size_t plane = (size_t)stored->height * (size_t)stored->width;
    for (int n = 0; n < samples; n++)
        for (int c = 0; c < stored->channels; c++)
            for (size_t i = 0; i < plane; i++)
                *numbers++ =
                    (double)from[(size_t)n * stored->image + (size_t)(c / block) * plane * block +
                                 i * block + (size_t)(c % block)];
}

/* The generated program's numbers of TENSOR after the step; false: it does not keep them. */
static bool read_generated(const struct comparison *comparison, const struct tensor *tensor,
                           double *numbers)
{
    const struct lathe_model *model = comparison->model;
    if (tensor == comparison->trial->graph->loss) {
        *numbers = comparison->result.loss;
        return true;
    }
    if (tensor->kind == TENSOR_BUFFER) {
        read_packed(comparison, tensor->name, model->state_offset, numbers);
        return true;
    }
    if (tensor->of && tensor->of->kind == TENSOR_PARAMETER && tensor->of->gradient == tensor) {
        read_packed(comparison, tensor->of->name, model->gradient_offset, numbers);
        return true;
    }
    for (int i = 0; i < model->tensor_count; i++) {
        const struct lathe_tensor *stored = &model->tensors[i];
        if (strcmp(stored->name, tensor->name))
            continue;
        size_t elements = (size_t)stored->channels * stored->height * stored->width;
        if (elements != tensor_elements(tensor) || stored->batched != tensor->batched)
            fail(STATUS_USER, "the generated program keeps %s in another shape", tensor->name);
        read_blocked(comparison, stored, numbers);
        return true;
    }
    return false;
}

/* Bound of NODE's own error, and of what its inputs already are in doubt by. */
static double node_bound(const struct comparison *comparison, const struct node *node, int output)
{
    double own = op_table[node->op]->tolerance(node, comparison->trial->count, output);
    const struct node *forward = node->backward ? node->forward : node;
    if (comparison->winograd && forward->op == OP_conv && forward->conv.kernel_h == 3 &&
        forward->conv.kernel_w == 3)
        own *= 4;
    double doubts = 0;
    for (int i = 0; i < node->input_count; i++) {
        double doubt = comparison->doubt[node->inputs[i]->id];
        doubts += doubt * doubt;
    }
    return own + sqrt(doubts);
}

static void judge(struct comparison *comparison, const struct tensor *tensor, double error,
                  double bound)
{
    struct verdict *verdict = &comparison->verdicts[tensor->id];
    if (!verdict->compared || error / bound < verdict->error / verdict->bound ||
        (error == 0 && verdict->error > 0))
        *verdict = (struct verdict){true, error, bound};
}

/* TENSOR is the gradient of a bias whose layer only a batchnorm reads: the batch mean takes the
 * bias away, so its gradient is 0, of which the sum over a rounded gradient gives back only the
 * rounding. */
static bool vanishes(const struct node *node, const struct tensor *tensor)
{
    const struct node *forward = node->forward;
    if (!node->backward || (forward->op != OP_conv && forward->op != OP_linear) ||
        output_index(node, tensor) != 2)
        return false;
    const struct tensor *y = forward->outputs[0];
    int readers = 0, norms = 0;
    for (int i = 0; i < y->consumers.count; i++) {
        const struct node *reader = y->consumers.items[i];
        readers += !reader->backward;
        norms += !reader->backward && reader->op == OP_batchnorm;
    }
    return readers == 1 && norms == 1;
}

/* Run NODE in double on the program's own inputs, compare what the program keeps of it, and go on
 * with the program's numbers. */
static void compare_node(struct comparison *comparison, const struct node *node)
{
    struct interp *interp = comparison->interp;
    const struct changes changes = changes_of(node, true);
    find_magnitudes(node, interp, &changes);
    interp_node(node, &interp->run);
    for (int i = 0; i < changes.count; i++) {
        const struct tensor *tensor = changes.tensors[i];
        size_t count = interp_numbers(tensor, interp->run.count);
        double bound = node_bound(comparison, node, output_index(node, tensor));
        double *measured = lathe_alloc(count, sizeof *measured);
        comparison->doubt[tensor->id] = bound;
        if (vanishes(node, tensor))
            memset(interp->run.data[tensor->id], 0, count * sizeof(double));
        if (read_generated(comparison, tensor, measured)) {
            judge(comparison, tensor,
                  relative_error(measured, interp->run.data[tensor->id], changes.magnitudes[i],
                                 count, bound),
                  bound);
            interp_set(interp, tensor, measured, count);
            comparison->doubt[tensor->id] = 0;
        }
        free(measured);
    }
    free_changes(&changes);
}

/* One step of the generated program, then of the interpreter, node by node. */
static void compare_step(struct comparison *comparison)
{
    const struct lathe_model *model = comparison->model;
    struct trial *trial = comparison->trial;
    const struct graph *graph = trial->graph;
    comparison->arena = lathe_alloc(model->train_arena_bytes, 1);
    const float **weights = order_weights(model, trial);
    float *state = (float *)(comparison->arena + model->state_offset);
    for (int i = 0; i < model->parameter_count; i++)
        lathe_pack(&model->parameters[i], weights[i], state + model->parameters[i].offset);
    model->step(model, &trial->batch, trial->seed, 0, &comparison->result, comparison->arena);

    struct interp *interp = comparison->interp = start(trial, PRECISION_DOUBLE, true);
    interp_set_float(interp, graph->input, trial->batch.input,
                     interp_numbers(graph->input, trial->count));
    interp->run.training = true;
    interp->run.labels = trial->batch.labels;
    interp->run.targets = trial->batch.targets;
    interp->run.seed = trial->seed;
    for (int i = 0; i < interp->layout->node_count; i++)
        compare_node(comparison, interp->layout->nodes[i]);
    interp_free(interp);
    free(comparison->arena);
}

/* The output of inference, end to end: the bounds of the nodes add up. */
static void compare_inference(struct comparison *comparison)
{
    const struct lathe_model *model = comparison->model;
    const struct trial *trial = comparison->trial;
    const struct tensor *output = trial->graph->output;
    size_t in = tensor_elements(trial->graph->input), out = tensor_elements(output);
    void *arena = lathe_alloc(model->infer_arena_bytes, 1);
    float *numbers = lathe_alloc((size_t)trial->count * out, sizeof *numbers);
    model->load(model, order_weights(model, trial), arena);
    for (int n = 0; n < trial->count; n += model->infer_batch)
        model->infer(model, trial->batch.input + (size_t)n * in, numbers + (size_t)n * out,
                     min_int(model->infer_batch, trial->count - n), arena);

    struct interp *interp = start(trial, PRECISION_DOUBLE, false);
    interp_infer(interp, trial->batch.input, trial->count);
    const struct interp_layout *layout = interp->layout;
    memset(comparison->doubt, 0, (size_t)layout->graph->tensors.count * sizeof(double));
    for (int i = 0; i < layout->node_count; i++)
        comparison->doubt[layout->nodes[i]->outputs[0]->id] =
            node_bound(comparison, layout->nodes[i], 0);
    size_t count = interp_numbers(output, trial->count);
    double *measured = lathe_alloc(count, sizeof *measured);
    for (size_t i = 0; i < count; i++)
        measured[i] = (double)numbers[i];
    double bound = comparison->doubt[output->id];
    judge(comparison, output,
          relative_error(measured, interp->run.data[output->id], NULL, count, bound), bound);
    interp_free(interp);
    free(measured);
    free(numbers);
    free(arena);
}

static bool all_hold(const struct verdict *verdicts, int count)
{
    for (int i = 0; i < count; i++)
        if (verdicts[i].compared && !(verdicts[i].error <= verdicts[i].bound))
            return false;
    return true;
}

static bool print_verdicts(const struct graph *graph, const struct verdict *verdicts,
                           struct text *out)
{
    bool ok = true;
    for (int i = 0; i < graph->tensors.count; i++)
        if (verdicts[i].compared)
            ok &= print_row(out, graph->tensors.items[i]->name, graph->tensors.items[i],
                            verdicts[i].error, verdicts[i].bound);
    return ok;
}

/* Compare with up to ATTEMPTS seeds, until each tensor passed once. Where a value that the program
 * does not keep lies within rounding of a curve's break point, or of another maximum of its window,
 * float and double take different sides, rightly; a mistake fails with every seed. */
static bool compare_attempts(const struct graph *graph, const struct lathe_model *generated,
                             const struct verify_options *options, bool training, struct text *out)
{
    enum { ATTEMPTS = 4 };
    int count = graph->tensors.count;
    int batch = training ? min_int(options->batch, generated->training.batch) : options->batch;
    struct comparison comparison = {.model = generated, .winograd = options->winograd};
    comparison.verdicts = lathe_alloc((size_t)count, sizeof *comparison.verdicts);
    comparison.doubt = lathe_alloc((size_t)count, sizeof *comparison.doubt);
    for (uint64_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        comparison.trial = draw_trial(graph, options->seed + attempt, batch);
        memset(comparison.doubt, 0, (size_t)count * sizeof *comparison.doubt);
        if (training)
            compare_step(&comparison);
        else
            compare_inference(&comparison);
        drop_trial(comparison.trial);
        if (all_hold(comparison.verdicts, count))
            break;
    }
    print_heading(out,
                  training ? "generated training step against double, on its own inputs"
                           : "generated inference against double, end to end",
                  batch);
    bool ok = print_verdicts(graph, comparison.verdicts, out);
    free(comparison.verdicts);
    free(comparison.doubt);
    return ok;
}

bool verify_generated(const struct graph *graph, const struct lathe_model *generated,
                      const struct verify_options *options, struct text *out)
{
    bool ok = true;
    if (graph->training && generated->train_arena_bytes)
        ok &= compare_attempts(graph, generated, options, true, out);
    if (generated->infer)
        ok &= compare_attempts(graph, generated, options, false, out);
    return ok;
}

bool verify_run(const struct network *network, const struct lathe_model *generated,
                const struct verify_options *options, struct text *out)
{
    bool ok = true;
    if (network->graph->training)
        ok &= verify_gradients(network->graph, options, out);
    ok &= verify_kernels(network->graph, options, out);
    if (generated)
        ok &= verify_generated(network->graph, generated, options, out);
    return ok;
}
