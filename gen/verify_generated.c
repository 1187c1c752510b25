/*
 * verify_generated: each tensor of a generated training step against the double kernel on the
 * program's own inputs, and inference against the double interpreter, end to end.
 */
#include "../runtime/profile.h"
#include "verify_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    const struct lathe_profile *profile; /* of what is compared; NULL: it has none */
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
    int count = stored->batched ? comparison->trial->count : 1, block = stored->block;
    bool by_sample = stored->samples > 1;
    size_t plane = (size_t)stored->height * (size_t)stored->width;
    for (int n = 0; n < count; n++)
        for (int c = 0; c < stored->channels; c++) {
            const float *image = from + (size_t)(n / stored->samples) * stored->image;
            const float *pixel = by_sample
                                     ? image + (size_t)c * plane * block + n % block
                                     : image + (size_t)(c / block) * plane * block + c % block;
            for (size_t i = 0; i < plane; i++)
                *numbers++ = (double)pixel[i * block];
        }
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

/* Whether the program computes OUTPUT of NODE by Winograd's method. */
static bool by_winograd(const struct comparison *comparison, const struct node *node, int output)
{
    static const char *const gradients[] = {"backward data", "backward weights"};
    const struct lathe_profile *profile = comparison->profile;
    const char *name = node->backward ? node->forward->name : node->name;
    if (output >= 2)
        return false;
    for (int i = 0; profile && i < profile->count; i++) {
        const struct lathe_cost *cost = &profile->costs[i];
        if (cost->winograd && !strcmp(cost->group, name) &&
            !strcmp(cost->label, node->backward ? gradients[output] : "forward"))
            return true;
    }
    return false;
}

/* Bound of NODE's own error, and of what its inputs already are in doubt by. */
static double node_bound(const struct comparison *comparison, const struct node *node, int output)
{
    double own = op_table[node->op]->tolerance(node, comparison->trial->count, output);
    if (by_winograd(comparison, node, output))
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

    struct interp *interp = comparison->interp = trial_start(trial, PRECISION_DOUBLE, true);
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

    struct interp *interp = trial_start(trial, PRECISION_DOUBLE, false);
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
            ok &= verify_row(out, graph->tensors.items[i]->name, graph->tensors.items[i],
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
    struct comparison comparison = {.model = generated,
                                    .profile = training ? generated->train_profile
                                                        : generated->infer_profile};
    comparison.verdicts = lathe_alloc((size_t)count, sizeof *comparison.verdicts);
    comparison.doubt = lathe_alloc((size_t)count, sizeof *comparison.doubt);
    for (uint64_t attempt = 0; attempt < ATTEMPTS; attempt++) {
        comparison.trial = trial_draw(graph, options->seed + attempt, batch);
        memset(comparison.doubt, 0, (size_t)count * sizeof *comparison.doubt);
        if (training)
            compare_step(&comparison);
        else
            compare_inference(&comparison);
        trial_drop(comparison.trial);
        if (all_hold(comparison.verdicts, count))
            break;
    }
    verify_heading(out,
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
