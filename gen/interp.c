/*
 * interp: evaluates a graph node by node.
 */
#include "interp.h"

#include "../runtime/thread.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static size_t number_size(enum precision precision)
{
    return precision == PRECISION_FLOAT ? sizeof(float) : sizeof(double);
}

size_t interp_numbers(const struct tensor *tensor, int count)
{
    return checked_multiply(tensor_elements(tensor), tensor->batched ? (size_t)count : 1);
}

/* ---- layout ---- */

/* The nodes that compute the wanted tensors, found from the last to the first. WANTED, by tensor
 * id, becomes all that these nodes touch. */
static void choose_nodes(struct arena *arena, struct interp_layout *layout, bool *wanted)
{
    const struct graph *graph = layout->graph;
    layout->nodes = arena_array(arena, (size_t)graph->nodes.count + 1, struct node *);
    int first = graph->nodes.count;
    for (int i = graph->nodes.count - 1; i >= 0; i--) {
        struct node *node = graph->nodes.items[i];
        bool runs = false;
        for (int k = 0; k < node->output_count; k++)
            runs |= node->outputs[k] && wanted[node->outputs[k]->id];
        if (!runs)
            continue;
        layout->nodes[--first] = node;
        for (int k = 0; k < node->input_count; k++)
            wanted[node->inputs[k]->id] = true;
        for (int k = 0; k < node->output_count; k++)
            if (node->outputs[k])
                wanted[node->outputs[k]->id] = true;
    }
    layout->nodes += first;
    layout->node_count = graph->nodes.count - first;
}

static size_t bytes_of(const struct interp_layout *layout, const struct tensor *tensor)
{
    return checked_multiply(interp_numbers(tensor, layout->batch), number_size(layout->precision));
}

static void align(struct interp_layout *layout)
{
    layout->bytes = checked_add(layout->bytes, ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* All tensors of KIND in the graph's order, without gaps. */
static void place_kind(struct interp_layout *layout, enum tensor_kind kind)
{
    for (int i = 0; i < layout->graph->tensors.count; i++) {
        const struct tensor *tensor = layout->graph->tensors.items[i];
        if (tensor->kind != kind)
            continue;
        layout->offset[i] = layout->bytes;
        layout->bytes = checked_add(layout->bytes, bytes_of(layout, tensor));
    }
}

/* The gradients of parameters, as far from the start of their block as these from theirs, 0. */
static void place_gradients(struct interp_layout *layout, size_t trainable_bytes)
{
    align(layout);
    layout->gradient = layout->bytes;
    layout->bytes = checked_add(layout->bytes, trainable_bytes);
    for (int i = 0; i < layout->graph->tensors.count; i++) {
        const struct tensor *tensor = layout->graph->tensors.items[i];
        if (tensor->kind == TENSOR_PARAMETER && tensor->gradient)
            layout->offset[tensor->gradient->id] = layout->gradient + layout->offset[i];
    }
}

struct interp_layout *interp_lay_out(struct arena *arena, const struct graph *graph,
                                     enum precision precision, int batch, bool training)
{
    check_bug(batch >= 1 && (!training || graph->training));
    size_t tensors = (size_t)graph->tensors.count;
    struct interp_layout *layout = arena_new_of(arena, struct interp_layout);
    *layout = (struct interp_layout){
        .graph = graph, .precision = precision, .batch = batch, .training = training};
    bool *wanted = arena_array(arena, tensors, bool);
    for (size_t i = 0; i < tensors && training; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        wanted[i] = tensor == graph->loss || (tensor->of && tensor->of->kind == TENSOR_PARAMETER);
    }
    if (!training)
        wanted[graph->output->id] = true;
    choose_nodes(arena, layout, wanted);

    layout->offset = arena_array(arena, tensors, size_t);
    for (size_t i = 0; i < tensors; i++)
        layout->offset[i] = INTERP_NONE;
    place_kind(layout, TENSOR_PARAMETER);
    size_t trainable_bytes = layout->bytes;
    place_kind(layout, TENSOR_BUFFER);
    if (training)
        place_gradients(layout, trainable_bytes);
    wanted[graph->input->id] = true;
    for (size_t i = 0; i < tensors; i++) {
        if (!wanted[i] || layout->offset[i] != INTERP_NONE)
            continue;
        align(layout);
        layout->offset[i] = layout->bytes;
        layout->bytes = checked_add(layout->bytes, bytes_of(layout, graph->tensors.items[i]));
    }
    return layout;
}

/* ---- evaluation ---- */

/* The arrays of LAYOUT in MEMORY, into DATA by tensor id. */
static void bind(const struct interp_layout *layout, void *memory, void **data)
{
    for (int i = 0; i < layout->graph->tensors.count; i++)
        data[i] = layout->offset[i] == INTERP_NONE ? NULL : (char *)memory + layout->offset[i];
}

struct interp *interp_new(const struct interp_layout *layout)
{
    struct interp *interp = lathe_alloc(1, sizeof *interp);
    interp->layout = layout;
    interp->memory = lathe_alloc(layout->bytes, 1);
    interp->run.precision = layout->precision;
    interp->run.count = layout->batch;
    interp->run.data = lathe_alloc((size_t)layout->graph->tensors.count, sizeof(void *));
    bind(layout, interp->memory, interp->run.data);
    return interp;
}

void interp_free(struct interp *interp)
{
    if (!interp)
        return;
    free(interp->run.data);
    free(interp->memory);
    free(interp);
}

void interp_set(struct interp *interp, const struct tensor *tensor, const double *numbers,
                size_t count)
{
    void *array = interp->run.data[tensor->id];
    if (interp->layout->precision == PRECISION_DOUBLE)
        memcpy(array, numbers, count * sizeof *numbers);
    else
        for (size_t i = 0; i < count; i++)
            ((float *)array)[i] = (float)numbers[i];
}

void interp_set_float(struct interp *interp, const struct tensor *tensor, const float *numbers,
                      size_t count)
{
    void *array = interp->run.data[tensor->id];
    if (interp->layout->precision == PRECISION_FLOAT)
        memcpy(array, numbers, count * sizeof *numbers);
    else
        for (size_t i = 0; i < count; i++)
            ((double *)array)[i] = (double)numbers[i];
}

void interp_get(const struct interp *interp, const struct tensor *tensor, double *numbers,
                size_t count)
{
    const void *array = interp->run.data[tensor->id];
    if (interp->layout->precision == PRECISION_DOUBLE)
        memcpy(numbers, array, count * sizeof *numbers);
    else
        for (size_t i = 0; i < count; i++)
            numbers[i] = (double)((const float *)array)[i];
}

void interp_load(struct interp *interp, const float *const *weights)
{
    const struct graph *graph = interp->layout->graph;
    int parameter = 0;
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        if (tensor->kind == TENSOR_PARAMETER || tensor->kind == TENSOR_BUFFER)
            interp_set_float(interp, tensor, weights[parameter++],
                             interp_numbers(tensor, interp->layout->batch));
    }
}

/* What NODE gives in a body that is skipped: nothing reads the values, gradients are 0. */
static void clear_outputs(const struct node *node, const struct run *run)
{
    for (int i = 0; i < node->output_count; i++)
        if (node->outputs[i])
            memset(run->data[node->outputs[i]->id], 0,
                   interp_numbers(node->outputs[i], run->count) * number_size(run->precision));
}

void interp_node(const struct node *node, struct run *run)
{
    const struct op_rules *rules = op_table[node->op];
    if (!gate_kept(node->gate, run)) {
        clear_outputs(node, run);
        return;
    }
    (node->backward ? rules->backward : rules->forward)[run->precision](node, run);
}

static void run_nodes(const struct interp_layout *layout, struct run *run)
{
    for (int i = 0; i < layout->node_count; i++)
        interp_node(layout->nodes[i], run);
}

void interp_infer(struct interp *interp, const float *input, int count)
{
    const struct graph *graph = interp->layout->graph;
    check_bug(count >= 1 && count <= interp->layout->batch);
    interp_set_float(interp, graph->input, input, interp_numbers(graph->input, count));
    interp->run.training = false;
    interp->run.count = count;
    run_nodes(interp->layout, &interp->run);
}

double interp_step(struct interp *interp, const struct lathe_batch *batch, uint64_t seed,
                   uint64_t step)
{
    const struct graph *graph = interp->layout->graph;
    check_bug(batch->count >= 1 && batch->count <= interp->layout->batch);
    interp_set_float(interp, graph->input, batch->input,
                     interp_numbers(graph->input, batch->count));
    struct run *run = &interp->run;
    run->training = true;
    run->count = batch->count;
    run->labels = batch->labels;
    run->targets = batch->targets;
    run->seed = seed;
    run->step = step;
    run_nodes(interp->layout, run);
    double loss;
    interp_get(interp, graph->loss, &loss, 1);
    return loss;
}

/* ---- as a model of the runtime ---- */

static struct lathe_parameter describe(const struct tensor *tensor)
{
    const struct node *reader = tensor->consumers.count ? tensor->consumers.items[0] : NULL;
    bool layer = tensor->rank >= 2;
    int groups = layer && reader && reader->op == OP_conv ? reader->conv.groups : 1;
    struct lathe_parameter parameter = {
        .name = tensor->name,
        .rank = tensor->rank,
        .trainable = tensor->kind == TENSOR_PARAMETER,
        .out = tensor->dims[0],
        .in = layer ? tensor->dims[1] * groups : 1,
        .kh = tensor->rank == 4 ? tensor->dims[2] : 1,
        .kw = tensor->rank == 4 ? tensor->dims[3] : 1,
        .groups = groups,
        .spans = groups, /* a row is what its channel reads: packed is logical */
        .block_out = 1,
        .block_in = 1,
        .init = tensor->init,
        .value = tensor->init_value,
        .list = tensor->init_list,
        .tie = tensor->tie,
        .unit = tensor->unit,
    };
    memcpy(parameter.dims, tensor->dims, sizeof parameter.dims);
    return parameter;
}

int interp_parameters(struct arena *arena, const struct graph *graph,
                      struct lathe_parameter **parameters, size_t *trainable_floats,
                      size_t *state_floats)
{
    struct lathe_parameter *list =
        arena_array(arena, (size_t)graph->tensors.count, struct lathe_parameter);
    int count = 0;
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        if (tensor->kind == TENSOR_PARAMETER || tensor->kind == TENSOR_BUFFER)
            list[count++] = describe(tensor);
    }
    size_t floats = 0;
    for (int trainable = 1; trainable >= 0; trainable--) {
        for (int i = 0; i < count; i++) {
            if (list[i].trainable != (trainable == 1))
                continue;
            list[i].offset = floats;
            floats = checked_add(floats, lathe_parameter_floats(&list[i]));
        }
        if (trainable)
            *trainable_floats = floats;
    }
    *state_floats = floats;
    *parameters = list;
    return count;
}

struct interp_context {
    const struct graph *graph;
    struct interp_layout *infer, *train; /* train: NULL for inference only */
    void **data;                         /* by tensor id, bound anew at each call */
};

static struct interp_context *context_of(const struct lathe_model *model)
{
    return model->context;
}

/* LAYOUT over the caller's ARENA. */
static struct interp over(const struct lathe_model *model, const struct interp_layout *layout,
                          void *arena)
{
    struct interp interp = {
        layout, arena, {.precision = PRECISION_FLOAT, .data = context_of(model)->data}};
    bind(layout, arena, interp.run.data);
#pragma omp parallel
    lathe_flush_denormals();
    return interp;
}

static void model_load(const struct lathe_model *model, const float *const *logical, void *arena)
{
    struct interp interp = over(model, context_of(model)->infer, arena);
    interp_load(&interp, logical);
}

static void model_infer(const struct lathe_model *model, const float *input, float *output,
                        int count, void *arena)
{
    struct interp interp = over(model, context_of(model)->infer, arena);
    interp_infer(&interp, input, count);
    const struct tensor *from = context_of(model)->graph->output;
    memcpy(output, interp.run.data[from->id], interp_numbers(from, count) * sizeof *output);
}

static void model_step(const struct lathe_model *model, const struct lathe_batch *batch,
                       uint64_t seed, uint64_t step, struct lathe_step_result *result, void *arena)
{
    struct interp interp = over(model, context_of(model)->train, arena);
    result->loss = interp_step(&interp, batch, seed, step);
    result->correct = interp.run.correct;
}

/* The tensors of a training step, for verify: the interpreter keeps them all. */
static void list_tensors(struct arena *arena, const struct interp_layout *layout,
                         struct lathe_model *model)
{
    const struct graph *graph = layout->graph;
    struct lathe_tensor *list =
        arena_array(arena, (size_t)graph->tensors.count, struct lathe_tensor);
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        if (layout->offset[i] == INTERP_NONE || !tensor->producer || tensor->rank > 3)
            continue;
        list[model->tensor_count++] = (struct lathe_tensor){tensor->name,
                                                            layout->offset[i],
                                                            tensor->batched,
                                                            tensor_c(tensor),
                                                            tensor_h(tensor),
                                                            tensor_w(tensor),
                                                            1,
                                                            1,
                                                            tensor_elements(tensor)};
    }
    model->tensors = list;
}

struct lathe_model *interp_model(struct arena *arena, const struct network *network,
                                 int infer_batch, int train_batch)
{
    const struct graph *graph = network->graph;
    struct interp_context *context = arena_new_of(arena, struct interp_context);
    context->graph = graph;
    context->infer = interp_lay_out(arena, graph, PRECISION_FLOAT, infer_batch, false);
    if (train_batch)
        context->train = interp_lay_out(arena, graph, PRECISION_FLOAT, train_batch, true);
    context->data = arena_array(arena, (size_t)graph->tensors.count, void *);

    struct lathe_model *model = arena_new_of(arena, struct lathe_model);
    *model = (struct lathe_model){
        .abi = LATHE_ABI,
        .name = network->name,
        .provenance =
            arena_printf(arena, "lathe " LATHE_VERSION ", interpreter, %s", network->spec_path),
        .context = context,
        .channels = tensor_c(graph->input),
        .height = tensor_h(graph->input),
        .width = tensor_w(graph->input),
        .outputs = (int)tensor_elements(graph->output),
        .probabilities = graph_gives_probabilities(graph),
        .loss = network->loss,
        .data = network->data,
        .training = network->training,
        .infer_batch = infer_batch,
        .infer_arena_bytes = context->infer->bytes,
        .train_arena_bytes = train_batch ? context->train->bytes : 0,
        .gradient_offset = train_batch ? context->train->gradient : 0,
        .load = model_load,
        .infer = model_infer,
        .step = train_batch ? model_step : NULL,
    };
    if (train_batch) {
        model->training.batch = train_batch;
        list_tensors(arena, context->train, model);
    }
    struct lathe_parameter *parameters;
    model->parameter_count = interp_parameters(arena, graph, &parameters, &model->trainable_floats,
                                               &model->state_floats);
    model->parameters = parameters;
    return model;
}
