/*
 * check_reference: small networks built from the operators against PyTorch's numbers
 * (num/reference.py): inference, training step, gradients, running statistics, and the weights
 * after three steps of an optimizer.
 */
#include "net.h"

#include "../gen/interp.h"
#include "../runtime/optimizer.h"
#include "../runtime/safetensors.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the networks of reference.py ---- */

static struct net convolutions(void)
{
    struct net net = net_new(3, 9, 8);
    struct conv_attributes conv2 = square_conv(6, 3, 1, 2), conv3 = square_conv(6, 3, 1, 0);
    net_conv(&net, square_conv(4, 3, 2, 1), "conv1");
    net_curve(&net, CURVE_TANH, 0, NULL);
    conv2.dilation_h = conv2.dilation_w = conv2.groups = 2;
    conv2.bias = false;
    net_conv(&net, conv2, "conv2");
    net_batchnorm(&net, "bn1");
    net_curve(&net, CURVE_LEAKY_RELU, 0.1, NULL);
    conv3.kernel_h = 2;
    conv3.pad_left = conv3.pad_right = 1;
    conv3.groups = 6;
    net_conv(&net, conv3, "conv3");
    net_pool(&net, OP_avgpool, (struct pool_attributes){3, 3, 2, 2, 1, 1, 1, 1}, NULL);
    net_plain(&net, OP_flatten, NULL);
    net_linear(&net, 5, true, "linear1");
    net_finish(&net, OP_cross_entropy);
    return net;
}

static void conv_batchnorm(struct net *net, struct conv_attributes conv, const char *conv_name,
                           const char *norm_name)
{
    conv.bias = false;
    net_conv(net, conv, conv_name);
    net_batchnorm(net, norm_name);
}

static struct net residual(void)
{
    struct net net = net_new(3, 8, 8);
    conv_batchnorm(&net, square_conv(4, 3, 1, 1), "conv1", "bn1");
    net_curve(&net, CURVE_RELU, 0, NULL);
    struct tensor *x =
        net_pool(&net, OP_maxpool, (struct pool_attributes){3, 3, 2, 2, 1, 1, 1, 1}, NULL);
    conv_batchnorm(&net, square_conv(6, 3, 2, 1), "conv2", "bn2");
    net_curve(&net, CURVE_RELU, 0, NULL);
    conv_batchnorm(&net, square_conv(6, 3, 1, 1), "conv3", "bn3");
    struct tensor *body = net.last;
    net.last = x;
    conv_batchnorm(&net, square_conv(6, 1, 2, 0), "shortcut", "bn4");
    net_add(&net, body, net.last, NULL);
    net_curve(&net, CURVE_RELU, 0, NULL);
    net_plain(&net, OP_globalpool, NULL);
    net_plain(&net, OP_flatten, NULL);
    net_linear(&net, 5, true, "linear1");
    net_finish(&net, OP_cross_entropy);
    return net;
}

static void local_norm(struct net *net, int size, double alpha, double beta, double k)
{
    struct node *node = net_node(net, OP_lrn, NULL);
    node->lrn.size = size;
    node->lrn.alpha = alpha;
    node->lrn.beta = beta;
    node->lrn.k = k;
    net_shape(net, node);
}

static struct net structure(void)
{
    struct net net = net_new(3, 6, 4);
    struct conv_attributes conv2 = square_conv(6, 1, 1, 0);
    conv2.bias = false;
    net_conv(&net, square_conv(4, 3, 1, 1), "conv1");
    local_norm(&net, 3, 0.5, 0.6, 2);
    struct tensor *x = net.last;
    net_conv(&net, conv2, "conv2");
    struct tensor *parts[] = {x, net_curve(&net, CURVE_RELU, 0, NULL)};
    net_concat(&net, parts, 2, NULL);
    net_reshape(&net, 20, 4, 3);
    net_conv(&net, square_conv(5, 3, 1, 1), "conv3");
    local_norm(&net, 5, 2, 0.75, 1);
    net_plain(&net, OP_flatten, NULL);
    net_linear(&net, 5, true, "linear1");
    net_finish(&net, OP_cross_entropy);
    return net;
}

static void dynamic_relu(struct net *net, int channels, int k, int reduction, const char *name)
{
    struct tensor *x = net->last;
    net_plain(net, OP_globalpool, NULL);
    net_plain(net, OP_flatten, NULL);
    net_linear(net, channels / reduction, true, arena_printf(net->arena, "%s.linear1", name));
    net_curve(net, CURVE_RELU, 0, NULL);
    struct tensor *residuals =
        net_linear(net, 2 * k * channels, true, arena_printf(net->arena, "%s.linear2", name));
    net->last = x;
    struct node *node = net_node(net, OP_dynamic_relu, name);
    node_add_input(node, residuals, net->graph);
    node->dynamic_relu.pieces = k;
    net_shape(net, node);
}

static struct net learned(void)
{
    struct net net = net_new(3, 6, 5);
    conv_batchnorm(&net, square_conv(6, 3, 1, 1), "conv1", "bn1");
    net_learned(&net, prelu_attributes(false), "prelu1");
    dynamic_relu(&net, 6, 2, 3, "act1");
    net_conv(&net, square_conv(6, 3, 1, 1), "conv2");
    net_learned(&net, prelu_attributes(true), "prelu2");
    net_learned(&net, elu_attributes(false), "elu1");
    net_conv(&net, square_conv(4, 1, 1, 0), "conv3");
    net_learned(&net, dynamic_attributes(4, 2, 0.5, 4, 3), "dynamic1");
    net_plain(&net, OP_globalpool, NULL);
    net_plain(&net, OP_flatten, NULL);
    net_linear(&net, 7, true, "linear1");
    net_learned(&net, elu_attributes(true), "elu2");
    net_learned(&net, prelu_attributes(false), "prelu3");
    net_linear(&net, 5, true, "linear2");
    net_finish(&net, OP_cross_entropy);
    return net;
}

static struct net perceptron(void)
{
    struct net net = net_new(6, 0, 0);
    net_linear(&net, 8, true, "linear1");
    net_curve(&net, CURVE_SIGMOID, 0, NULL);
    net_batchnorm(&net, "bn1");
    net_linear(&net, 3, false, "linear2");
    net_finish(&net, OP_mse);
    return net;
}

static const struct {
    const char *file;
    struct net (*build)(void);
    int batch;
} networks[] = {
    {"tests/num/convolutions.safetensors", convolutions, 4},
    {"tests/num/residual.safetensors", residual, 4},
    {"tests/num/perceptron.safetensors", perceptron, 5},
    {"tests/num/structure.safetensors", structure, 4},
    {"tests/num/learned.safetensors", learned, 4},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

/* ---- reading the reference ---- */

struct reference {
    struct net net;
    struct network network;
    struct lathe_model *model;
    struct lathe_tensors file;
    struct lathe_batch batch;
};

/* PREFIX.NAME (or NAME alone) of the file, in the net's arena; NULL where the file has none. */
static float *stored(const struct reference *reference, const char *prefix, const char *name)
{
    struct arena *arena = reference->net.arena;
    const char *full = prefix ? arena_printf(arena, "%s.%s", prefix, name) : name;
    const struct lathe_stored *tensor = lathe_tensors_find(&reference->file, full);
    struct lathe_error error;
    if (!tensor)
        return NULL;
    float *numbers = arena_array(arena, tensor->elements, float);
    ck_assert(lathe_tensors_read(&reference->file, tensor, numbers, &error));
    return numbers;
}

static void open_reference(struct reference *reference, int index)
{
    struct lathe_error error;
    reference->net = networks[index].build();
    reference->network = (struct network){.arena = reference->net.arena,
                                          .graph = reference->net.graph,
                                          .name = "net",
                                          .spec_path = "net.lua"};
    int count = networks[index].batch;
    reference->model = interp_model(reference->net.arena, &reference->network, count, count);
    ck_assert_msg(lathe_tensors_open(&reference->file, networks[index].file, &error), "%s",
                  networks[index].file);
    struct lathe_batch *batch = &reference->batch;
    batch->count = count;
    batch->input = stored(reference, NULL, "input");
    batch->targets = stored(reference, NULL, "targets");
    const float *labels = stored(reference, NULL, "labels");
    if (!labels)
        return;
    batch->labels = arena_array(reference->net.arena, (size_t)count, int32_t);
    for (int n = 0; n < count; n++)
        batch->labels[n] = (int32_t)labels[n];
}

static void close_reference(struct reference *reference)
{
    lathe_tensors_close(&reference->file);
    arena_free(reference->net.arena);
}

/* The parameters PREFIX.NAME in the model's order. */
static const float **parameters(const struct reference *reference, const char *prefix)
{
    const struct lathe_model *model = reference->model;
    const float **list =
        arena_array(reference->net.arena, (size_t)model->parameter_count, const float *);
    for (int i = 0; i < model->parameter_count; i++) {
        list[i] = stored(reference, prefix, model->parameters[i].name);
        ck_assert_msg(list[i] != NULL, "%s.%s", prefix, model->parameters[i].name);
    }
    return list;
}

/* ---- comparing ---- */

/* Relative L2 error of MEASURED within BOUND. */
static void check_near(const char *name, const double *measured, const float *expected,
                       size_t count, double bound)
{
    ck_assert_msg(expected != NULL, "no reference for %s", name);
    double error = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = measured[i] - (double)expected[i];
        error += difference * difference;
        norm += (double)expected[i] * (double)expected[i];
    }
    ck_assert_msg(sqrt(error) <= bound * sqrt(norm), "%s: relative error %g, bound %g", name,
                  sqrt(error / norm), bound);
}

/* TENSOR of INTERP against PREFIX.NAME. */
static void check_tensor(const struct reference *reference, const struct interp *interp,
                         const struct tensor *tensor, const char *prefix, const char *name,
                         double bound)
{
    double numbers[4096];
    size_t count = interp_numbers(tensor, reference->batch.count);
    ck_assert_uint_le(count, sizeof numbers / sizeof *numbers);
    interp_get(interp, tensor, numbers, count);
    check_near(name, numbers, stored(reference, prefix, name), count, bound);
}

/* A step in double from the initial weights, each moved to the next float above or below where
 * SEED is not 0. */
static struct interp *step_from(const struct reference *reference, uint32_t seed)
{
    const struct lathe_model *model = reference->model;
    struct arena *arena = reference->net.arena;
    const float **weights = parameters(reference, "initial");
    for (int i = 0; seed != 0 && i < model->parameter_count; i++) {
        size_t count = lathe_parameter_elements(&model->parameters[i]);
        float *moved = arena_array(arena, count, float);
        for (size_t k = 0; k < count; k++) {
            seed = seed * 1664525 + 1013904223;
            moved[k] = nextafterf(weights[i][k], seed >> 31 ? INFINITY : -INFINITY);
        }
        weights[i] = moved;
    }
    struct interp *interp = interp_new(interp_lay_out(arena, reference->net.graph, PRECISION_DOUBLE,
                                                      reference->batch.count, true));
    interp_load(interp, weights);
    interp_step(interp, &reference->batch, 0, 0);
    return interp;
}

/* How far the weights' last places move each parameter's gradient (by tensor id), relative L2, the
 * mean of some moves: a gradient that is left of sums that cancel, as a batchnorm's in front of
 * another, moves by far more than 6e-8, and no arithmetic in float can do better. */
static double *find_sensitivities(const struct reference *reference)
{
    enum { MOVES = 4 };
    const struct graph *graph = reference->net.graph;
    double *found = arena_array(reference->net.arena, graph->tensors.count, double);
    struct interp *from = step_from(reference, 0);
    for (uint32_t seed = 1; seed <= MOVES; seed++) {
        struct interp *moved = step_from(reference, seed);
        for (int i = 0; i < graph->tensors.count; i++) {
            const struct tensor *tensor = graph->tensors.items[i];
            double before[4096], after[4096], change = 0, norm = 0;
            if (tensor->kind != TENSOR_PARAMETER)
                continue;
            size_t count = interp_numbers(tensor->gradient, reference->batch.count);
            ck_assert_uint_le(count, sizeof before / sizeof *before);
            interp_get(from, tensor->gradient, before, count);
            interp_get(moved, tensor->gradient, after, count);
            for (size_t k = 0; k < count; k++) {
                change += (after[k] - before[k]) * (after[k] - before[k]);
                norm += before[k] * before[k];
            }
            found[tensor->id] += sqrt(change / norm) / MOVES;
        }
        interp_free(moved);
    }
    interp_free(from);
    return found;
}

/* Inference and one training step. What is stored was rounded to float: 6e-8. A gradient may be off
 * by a few (16) of its sensitivities, where that is more than BOUND; NULL: no gradient may.
 * CANCELS: the parameter whose gradient is what is left of sums that cancel, here a bias that a
 * batchnorm behind a curve all but takes away: ten times the bound; NULL: none. */
static void check_step(const struct reference *reference, enum precision precision, double bound,
                       const double *sensitivities, const char *cancels)
{
    enum { FEW = 16 };
    const struct graph *graph = reference->net.graph;
    const float **weights = parameters(reference, "initial");
    struct interp *interp = interp_new(
        interp_lay_out(reference->net.arena, graph, precision, reference->batch.count, false));
    interp_load(interp, weights);
    interp_infer(interp, reference->batch.input, reference->batch.count);
    check_tensor(reference, interp, graph->output, NULL, "inference", bound);
    interp_free(interp);

    interp = interp_new(
        interp_lay_out(reference->net.arena, graph, precision, reference->batch.count, true));
    interp_load(interp, weights);
    interp_step(interp, &reference->batch, 0, 0);
    check_tensor(reference, interp, graph->output, NULL, "output", bound);
    check_tensor(reference, interp, graph->loss, NULL, "loss", bound);
    for (int i = 0; i < graph->tensors.count; i++) {
        const struct tensor *tensor = graph->tensors.items[i];
        double most = cancels && strcmp(tensor->name, cancels) == 0 ? 10 * bound : bound;
        if (sensitivities)
            most = fmax(most, FEW * sensitivities[tensor->id]);
        if (tensor->kind == TENSOR_PARAMETER)
            check_tensor(reference, interp, tensor->gradient, "grad", tensor->name, most);
        if (tensor->kind == TENSOR_BUFFER)
            check_tensor(reference, interp, tensor, "moved", tensor->name, bound);
    }
    interp_free(interp);
}

START_TEST(step_in_double)
{
    struct reference reference = {0};
    open_reference(&reference, _i);
    check_step(&reference, PRECISION_DOUBLE, 1e-7, NULL, NULL);
    close_reference(&reference);
}
END_TEST

START_TEST(step_in_float)
{
    struct reference reference = {0};
    open_reference(&reference, _i);
    check_step(&reference, PRECISION_FLOAT, 5e-6, find_sensitivities(&reference),
               _i == 2 ? "linear1.bias" : NULL);
    close_reference(&reference);
}
END_TEST

/* Three steps of OPTIMIZER on the float interpreter, driven as a model of the runtime. */
static void check_training(const struct reference *reference, const char *name,
                           const struct lathe_optimizer *optimizer, double lr)
{
    const struct lathe_model *model = reference->model;
    const float **weights = parameters(reference, "initial");
    char *arena = lathe_alloc(model->train_arena_bytes, 1);
    float *state = (float *)(arena + model->state_offset);
    float *moments[LATHE_MOMENTS] = {NULL};
    for (int i = 0; i < 2; i++)
        moments[i] = lathe_alloc(model->trainable_floats, sizeof(float));
    for (int i = 0; i < model->parameter_count; i++)
        lathe_pack(&model->parameters[i], weights[i], state + model->parameters[i].offset);
    for (uint64_t t = 1; t <= 3; t++) {
        struct lathe_step_result result;
        struct lathe_optimizer_step step = {t, lr, lathe_optimizer_momentum(optimizer)};
        model->step(model, &reference->batch, 0, t, &result, arena);
        lathe_optimizer_step(optimizer, &step, state,
                             (const float *)(arena + model->gradient_offset), moments,
                             model->trainable_floats);
    }
    for (int i = 0; i < model->parameter_count; i++) {
        const struct lathe_parameter *parameter = &model->parameters[i];
        size_t count = lathe_parameter_elements(parameter);
        double *numbers = arena_array(reference->net.arena, count, double);
        for (size_t k = 0; k < count; k++)
            numbers[k] = (double)state[parameter->offset + k];
        check_near(parameter->name, numbers, stored(reference, name, parameter->name), count, 2e-5);
    }
    free(moments[0]);
    free(moments[1]);
    free(arena);
}

START_TEST(training)
{
    static const struct lathe_optimizer sgd = {
        .kind = LATHE_SGD, .momentum = 0.9, .nesterov = true, .weight_decay = 5e-3};
    static const struct lathe_optimizer adam = {.kind = LATHE_ADAM,
                                                .beta1 = 0.9,
                                                .beta2 = 0.999,
                                                .eps = 1e-8,
                                                .weight_decay = 1e-2,
                                                .clip_value = 0.05};
    struct reference reference = {0};
    open_reference(&reference, _i);
    check_training(&reference, "sgd", &sgd, 0.05);
    check_training(&reference, "adam", &adam, 0.01);
    close_reference(&reference);
}
END_TEST

Suite *reference_suite(void)
{
    Suite *suite = suite_create("reference");
    TCase *pytorch = tcase_create("pytorch");
    tcase_add_loop_test(pytorch, step_in_double, 0, NETWORKS);
    tcase_add_loop_test(pytorch, step_in_float, 0, NETWORKS);
    tcase_add_loop_test(pytorch, training, 0, NETWORKS);
    suite_add_tcase(suite, pytorch);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(reference_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
