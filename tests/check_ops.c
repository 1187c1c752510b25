/*
 * check_ops: the operators' rules and kernels, the gradient pass and the interpreter. Every kernel
 * in double against central differences, every float kernel against double, shape rules and what
 * they say where something does not fit.
 *
 * Check forks a process a test: nothing here runs a parallel region before that.
 */
#include "net.h"

#include "../gen/compare.h"
#include "../gen/interp.h"
#include "../gen/verify_parts.h"

#include "num/loss_reference.inc"

#include <check.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

/* Gradients by differences, every number of every tensor; float kernels against double. */
static void check_graph(struct net *net, int batch)
{
    const struct verify_options options = {.seed = 11, .batch = batch, .entries = 1 << 20};
    struct text out = {0};
    bool ok = verify_gradients(net->graph, &options, &out);
    ok &= verify_kernels(net->graph, &options, &out);
    ck_assert_msg(ok, "\n%s", out.data);
    text_free(&out);
    arena_free(net->arena);
}

/* ---- every operator, every attribute ---- */

struct conv_case {
    int c, h, w;
    struct conv_attributes conv;
    const char *shape; /* expected */
};

/* channels, kernel h w, stride h w, dilation h w, groups, pad top left bottom right, same, bias */
static const struct conv_case conv_cases[] = {
    {2, 5, 4, {3, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, false, true, {0}}, "3x5x4"},
    {2, 5, 6, {3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, false, true, {0}}, "3x5x6"},
    {2, 5, 6, {3, 3, 3, 1, 1, 1, 1, 1, 0, 0, 0, 0, false, false, {0}}, "3x3x4"},
    {3, 7, 6, {2, 3, 2, 2, 3, 1, 1, 1, 0, 1, 2, 3, false, true, {0}}, "2x4x3"},
    {3, 7, 6, {2, 2, 3, 3, 2, 1, 1, 1, 1, 0, 0, 2, false, false, {0}}, "2x3x3"},
    {2, 9, 8, {2, 3, 3, 1, 1, 2, 3, 1, 2, 3, 2, 3, false, true, {0}}, "2x9x8"},
    {2, 9, 8, {2, 3, 2, 2, 1, 3, 2, 1, 1, 1, 1, 0, false, true, {0}}, "2x3x7"},
    {4, 5, 5, {6, 3, 3, 1, 1, 1, 1, 2, 1, 1, 1, 1, false, true, {0}}, "6x5x5"},
    {4, 5, 5, {4, 3, 3, 1, 1, 1, 1, 4, 1, 1, 1, 1, false, true, {0}}, "4x5x5"},
    {3, 6, 5, {6, 3, 3, 2, 2, 1, 1, 3, 1, 1, 1, 1, false, false, {0}}, "6x3x3"},
    {4, 4, 4, {4, 1, 1, 1, 1, 1, 1, 2, 0, 0, 0, 0, false, true, {0}}, "4x4x4"},
    {6, 5, 6, {4, 3, 2, 2, 1, 1, 2, 2, 1, 0, 2, 3, false, true, {0}}, "4x3x7"},
    {10, 4, 3, {6, 5, 5, 1, 2, 1, 1, 2, 0, 0, 0, 0, true, true, {0}}, "6x4x2"},
    {3, 6, 6, {9, 3, 3, 1, 1, 2, 2, 3, 0, 0, 0, 0, true, false, {0}}, "9x6x6"},
    {2, 5, 6, {3, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, true, true, {0}}, "3x5x6"},
    {2, 5, 6, {3, 4, 4, 2, 2, 1, 1, 1, 0, 0, 0, 0, true, true, {0}}, "3x3x3"},
    {2, 7, 5, {3, 3, 3, 2, 3, 2, 1, 1, 0, 0, 0, 0, true, false, {0}}, "3x4x2"},
    {2, 5, 5, {3, 1, 1, 2, 2, 1, 1, 1, 0, 0, 0, 0, true, true, {0}}, "3x3x3"},
    {2, 3, 3, {2, 5, 5, 1, 1, 1, 1, 1, 2, 2, 2, 2, false, true, {0}}, "2x3x3"},
    {2, 4, 4, {2, 4, 4, 1, 1, 1, 1, 1, 0, 0, 0, 0, false, true, {0}}, "2x1x1"},
    {1, 1, 1, {2, 3, 3, 1, 1, 1, 1, 1, 3, 3, 3, 3, false, true, {0}}, "2x5x5"},
    {1, 2, 2, {1, 1, 1, 3, 3, 1, 1, 1, 2, 2, 2, 2, false, true, {0}}, "1x2x2"},
};

START_TEST(convolution)
{
    const struct conv_case *given = &conv_cases[_i];
    struct net net = net_of_parameter(given->c, given->h, given->w);
    const struct tensor *y = net_conv(&net, given->conv, NULL);
    ck_assert_str_eq(tensor_shape_text(net.arena, y), given->shape);
    net_finish(&net, OP_mse);
    omp_set_num_threads(2); /* chunks of two images, and one of one */
    check_graph(&net, 5);
}
END_TEST

START_TEST(linear)
{
    struct net net = net_of_parameter(7, 0, 0);
    net_linear(&net, 5, _i == 1, NULL);
    net_finish(&net, OP_mse);
    check_graph(&net, 4);
}
END_TEST

START_TEST(batchnorm)
{
    static const int shapes[][4] = {{3, 4, 5, 4}, {6, 0, 0, 5}, {2, 1, 1, 3}, {2, 2, 3, 1}};
    const int *shape = shapes[_i];
    struct net net = net_of_parameter(shape[0], shape[1], shape[2]);
    net_batchnorm(&net, NULL);
    net_finish(&net, OP_mse);
    check_graph(&net, shape[3]);
}
END_TEST

/* kernel h w, stride h w, pad top left bottom right */
static const struct pool_attributes pool_cases[] = {
    {2, 2, 2, 2, 0, 0, 0, 0}, {3, 3, 1, 1, 1, 1, 1, 1}, {3, 2, 2, 1, 1, 0, 2, 1},
    {3, 3, 2, 2, 0, 1, 1, 2}, {2, 2, 3, 3, 1, 1, 1, 1}, {7, 6, 7, 6, 0, 0, 0, 0},
    {1, 1, 2, 2, 0, 0, 0, 0},
};

START_TEST(pool)
{
    for (int op = OP_maxpool; op <= OP_avgpool; op++) {
        struct net net = net_of_parameter(2, 7, 6);
        net_pool(&net, (enum op)op, pool_cases[_i], NULL);
        net_finish(&net, OP_mse);
        check_graph(&net, 2);
    }
}
END_TEST

START_TEST(globalpool)
{
    struct net net = net_of_parameter(3, 4, 5);
    ck_assert_str_eq(tensor_shape_text(net.arena, net_plain(&net, OP_globalpool, NULL)), "3x1x1");
    net_plain(&net, OP_flatten, NULL);
    net_finish(&net, OP_mse);
    check_graph(&net, 2);
}
END_TEST

/* ResNet-9's fitted Dynamic: a table of half-width K, or the closed form for 0. */
static struct curve *dynamic_curve(struct arena *arena, double k)
{
    struct curve *curve = arena_new_of(arena, struct curve);
    *curve = (struct curve){.kind = CURVE_DYNAMIC,
                            .parameter = {55.9344, 12, 0.02924, 2, 10},
                            .method = k > 0 ? TABLE_TANGENT : TABLE_EXACT,
                            .k = k};
    return curve;
}

enum { CURVE_CASES = 23 };

START_TEST(curves)
{
    static const struct curve_point points[] = {{-1, 0.5}, {0, 0}, {0.5, 2}, {2, 1}};
    struct net net = net_of_parameter(3, 4, 5);
    struct curve curves[] = {
        {.kind = CURVE_RELU},
        {.kind = CURVE_LEAKY_RELU, .parameter = {0.1}},
        {.kind = CURVE_SIGMOID},
        {.kind = CURVE_TANH},
        {.kind = CURVE_SIGMOID, .method = TABLE_TANGENT, .k = 0.05},
        {.kind = CURVE_PIECEWISE, .points = points, .point_count = 4},
        *dynamic_curve(net.arena, 0),
        *dynamic_curve(net.arena, 0.1),
        *dynamic_curve(net.arena, 0.01),
        {.kind = CURVE_RELU_AT, .parameter = {0.3}},
        {.kind = CURVE_ELU, .parameter = {1}},
        {.kind = CURVE_ELU, .parameter = {0.4}, .method = TABLE_TANGENT, .k = 0.03},
        {.kind = CURVE_SOFTPLUS},
        {.kind = CURVE_SOFTPLUS, .method = TABLE_TANGENT, .k = 0.03},
        {.kind = CURVE_SILU},
        {.kind = CURVE_SILU, .method = TABLE_TANGENT, .k = 0.03},
        {.kind = CURVE_GELU},
        {.kind = CURVE_GELU, .method = TABLE_TANGENT, .k = 0.03},
        {.kind = CURVE_HARDSWISH},
        {.kind = CURVE_HARDSWISH, .method = TABLE_TANGENT, .k = 0.03},
        {.kind = CURVE_GELU, .method = TABLE_MINIMAX, .k = 0.03},
        {.kind = CURVE_FUNCTION,
         .method = TABLE_MINIMAX,
         .k = 0.1,
         .points = points,
         .point_count = 4,
         .tails = {{-0.5, 0}, {0, 1}}},
        {.kind = CURVE_ELU, .parameter = {0.7}, .method = TABLE_MINIMAX, .k = 0.03},
    };
    ck_assert_int_eq(COUNT_OF(curves), CURVE_CASES);
    struct node *node = net_node(&net, OP_curve, NULL);
    node->curve = &curves[_i];
    net_shape(&net, node);
    net_finish(&net, OP_mse);
    check_graph(&net, 2);
}
END_TEST

/* More numbers than are computed at once. */
START_TEST(curves_of_many_numbers)
{
    struct net net = net_of_parameter(11, 12, 10);
    struct node *node = net_node(&net, OP_curve, NULL);
    node->curve = dynamic_curve(net.arena, _i ? 0.1 : 0);
    net_shape(&net, node);
    net_finish(&net, OP_mse);
    check_graph(&net, 2);
}
END_TEST

/* Four pieces and four that are not needed; the value at 0 is not 0. */
static const float some_table[3 * 8] = {
    -INFINITY, -0.5f, 0.25f, 1, INFINITY, INFINITY, INFINITY, INFINITY, 0.5f,  -1,    0.75f, 2,
    2,         2,     2,     2, 1,        0.25f,    -0.1f,    -1.5f,    -1.5f, -1.5f, -1.5f, -1.5f,
};

static const struct learned_attributes learned_cases[] = {
    {.kind = LEARNED_PRELU, .initial = {0.25}},
    {.kind = LEARNED_PRELU, .shared = true, .initial = {-0.5}},
    {.kind = LEARNED_ELU, .initial = {0.8}},
    {.kind = LEARNED_ELU, .shared = true, .initial = {1.5}},
    {.kind = LEARNED_DYNAMIC,
     .shared = true,
     .initial = {55.9344, 12, 0.02924},
     .power = 2,
     .z = 10},
    {.kind = LEARNED_DYNAMIC, .shared = true, .initial = {3, 1.5, -1}, .power = 4, .z = 7},
    {.kind = LEARNED_DYNAMIC, .shared = true, .initial = {-2, 0.75, 0.5}, .power = 16, .z = 2},
    {.kind = LEARNED_TABLE, .shared = true, .pieces = 8, .table = some_table},
};

/* An image, and a flat input; the parameters as they are drawn around their first values. */
START_TEST(learned)
{
    for (int flat = 0; flat < 2; flat++) {
        struct net net = net_of_parameter(3, flat ? 0 : 4, flat ? 0 : 5);
        net_learned(&net, learned_cases[_i], "act");
        net_finish(&net, OP_mse);
        check_graph(&net, flat ? 6 : 2);
    }
}
END_TEST

/* After a batchnorm and before a pool, twice in a row, and last. */
START_TEST(learned_among_others)
{
    struct net net = net_new(3, 6, 6);
    net_learned(&net, prelu_attributes(true), "first");
    net_conv(&net, square_conv(5, 3, 1, 1), "conv1");
    net_learned(&net, prelu_attributes(false), "before");
    net_batchnorm(&net, "bn1");
    net_learned(&net, dynamic_attributes(4, 2, 0.5, 2, 3), "after");
    net_learned(&net, elu_attributes(false), "again");
    net_pool(&net, OP_maxpool, pool_cases[0], "pool1");
    net_plain(&net, OP_flatten, "flatten1");
    net_linear(&net, 6, true, "linear1");
    net_learned(&net, elu_attributes(true), "last");
    net_finish(&net, OP_mse);
    check_graph(&net, 3);
}
END_TEST

/* Y of a learned node alone in double on X, its parameters set to P. */
static void learned_value(struct learned_attributes learned, const double *p, const float *x,
                          double *y, int count)
{
    struct net net = net_new(1, 0, 0);
    net_learned(&net, learned, "act");
    struct interp *interp =
        interp_new(interp_lay_out(net.arena, net.graph, PRECISION_DOUBLE, count, false));
    const struct node *node = net.graph->nodes.items[0];
    for (int i = 1; i < node->input_count; i++)
        interp_set(interp, node->inputs[i], &p[i - 1], 1);
    interp_infer(interp, x, count);
    interp_get(interp, node->outputs[0], y, (size_t)count);
    interp_free(interp);
    arena_free(net.arena);
}

/* The same numbers as the fixed curve; -Q is the same curve; any finite x has a finite value. */
START_TEST(learned_dynamic_is_the_curve)
{
    static const float x[] = {-2, -0.0f, 0, 1e-6f, 0.1f, 0.5f, 1, 3, 40, 1e4f, 1e30f, 3e38f};
    static const double parameters[][5] = {
        {55.9344, 12, 0.02924, 2, 10}, {3, 1.5, -1, 4, 7}, {-2, 0.75, 0.5, 16, 2}, {9, 0, 1, 2, 1}};
    enum { COUNT = COUNT_OF(x) };
    const double *p = parameters[_i];
    struct curve curve = {.kind = CURVE_DYNAMIC, .parameter = {p[0], p[1], p[2], p[3], p[4]}};
    struct learned_attributes learned = dynamic_attributes(p[0], p[1], p[2], (int)p[3], p[4]);
    double y[COUNT], mirrored[COUNT];
    learned_value(learned, p, x, y, COUNT);
    learned_value(learned, (const double[]){p[0], -p[1], p[2]}, x, mirrored, COUNT);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_msg(isfinite(y[i]) && y[i] == mirrored[i], "x %g: %g, %g", (double)x[i], y[i],
                      mirrored[i]);
        if (x[i] < 1e5f)
            ck_assert_double_eq_tol(y[i], curve_value(&curve, (double)x[i]), 1e-12);
    }
}
END_TEST

/* As PyTorch: at 0 the left side counts. */
START_TEST(learned_slope_at_zero)
{
    struct net net = net_of_parameter(1, 0, 0);
    net_learned(&net, _i == 0 ? prelu_attributes(true) : elu_attributes(true), "act");
    net_finish(&net, OP_mse);
    struct interp *interp =
        interp_new(interp_lay_out(net.arena, net.graph, PRECISION_DOUBLE, 1, true));
    const struct node *node = net.graph->nodes.items[0];
    double zero = 0, slope = 0.3, dx;
    float target = -0.5f, input = 0;
    interp_set(interp, node->inputs[0], &zero, 1);
    interp_set(interp, node->inputs[1], &slope, 1);
    struct lathe_batch batch = {.input = &input, .targets = &target, .count = 1};
    interp_step(interp, &batch, 0, 0); /* the loss's gradient is 2 * 0.5 */
    interp_get(interp, node->inputs[0]->gradient, &dx, 1);
    ck_assert_double_eq_tol(dx, 0.3, 1e-12);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

/* An image or a flat x with trained residuals beside it. */
static struct net dynamic_relu_net(int c, int h, int w, int pieces)
{
    struct net net = net_of_parameter(c, h, w);
    struct node *node = net_node(&net, OP_dynamic_relu, "act");
    struct tensor *residuals = graph_add_tensor(net.graph, TENSOR_PARAMETER, "residuals", true, 1,
                                                (int[]){2 * pieces * c});
    residuals->init = LATHE_NORMAL;
    residuals->init_value = 1;
    node_add_input(node, residuals, net.graph);
    node->dynamic_relu.pieces = pieces;
    net_shape(&net, node);
    return net;
}

START_TEST(dynamic_relu)
{
    static const int cases[][4] = {{3, 4, 5, 2}, {5, 0, 0, 2}, {2, 3, 3, 1}, {3, 2, 2, 8}};
    const int *given = cases[_i];
    struct net net = dynamic_relu_net(given[0], given[1], given[2], given[3]);
    net_finish(&net, OP_mse);
    check_graph(&net, 3);
}
END_TEST

/* Of each number that a node of NET changes in a step of BATCH samples: the sizes of the terms that
 * it is the sum of are together no less than its own; from output FROM on, which are sums of one
 * term, just that. */
static void check_magnitudes(struct net *net, int batch, int from)
{
    net_finish(net, OP_mse);
    struct trial *trial = trial_draw(net->graph, 5, batch);
    struct interp *interp = trial_start(trial, PRECISION_DOUBLE, true);
    interp_step(interp, &trial->batch, trial->seed, 0);
    for (int n = 0; n < interp->layout->node_count; n++) {
        const struct node *node = interp->layout->nodes[n];
        struct changes changes = changes_of(node, true);
        find_magnitudes(node, interp, &changes);
        for (int i = 0; i < changes.count; i++) {
            const struct tensor *tensor = changes.tensors[i];
            const double *values = interp->run.data[tensor->id];
            bool one = node->backward && output_index(node, tensor) >= from;
            bool sums = changes.magnitudes[i] && tensor->kind != TENSOR_BUFFER; /* that has moved */
            for (size_t k = 0; sums && k < interp_numbers(tensor, batch); k++) {
                double size = fabs(values[k]), all = fabs(changes.magnitudes[i][k]);
                ck_assert_msg(all >= size * (1 - 1e-12), "%s[%zu]: %g, of terms of %g",
                              tensor->name, k, values[k], all);
                ck_assert_msg(!one || all <= size * (1 + 1e-12), "%s[%zu]: %g, of a term of %g",
                              tensor->name, k, values[k], all);
            }
        }
        free_changes(&changes);
    }
    interp_free(interp);
    trial_drop(trial);
    arena_free(net->arena);
}

START_TEST(magnitudes_are_of_all_terms)
{
    struct net net = net_of_parameter(4, 5, 6);
    net_conv(&net, square_conv(6, 3, 1, 1), "conv1");
    net_batchnorm(&net, "batchnorm1");
    net_learned(&net, dynamic_attributes(4, 2, 0.5, 2, 3), "dynamic1");
    net_learned(&net, elu_attributes(true), "elu1");
    net_learned(&net, prelu_attributes(false), "prelu1");
    net_plain(&net, OP_flatten, "flatten1");
    net_linear(&net, 3, true, "linear1");
    check_magnitudes(&net, 3, 99);
    net = dynamic_relu_net(3, 4, 5, 2);
    check_magnitudes(&net, 3, 99);
}
END_TEST

START_TEST(magnitudes_of_one_term)
{
    struct net net = _i == 0 ? dynamic_relu_net(4, 0, 0, 2) : net_of_parameter(4, 0, 0);
    if (_i == 1)
        net_learned(&net, prelu_attributes(false), "prelu1");
    if (_i == 2)
        net_learned(&net, elu_attributes(false), "elu1");
    check_magnitudes(&net, 1, 1);
}
END_TEST

/* Residuals 0 make it max(x, 0), and at 0, where the lines meet, the first has the gradient. */
START_TEST(dynamic_relu_begins_as_relu)
{
    struct net net = dynamic_relu_net(3, 0, 0, 2);
    net_finish(&net, OP_mse);
    struct interp *interp =
        interp_new(interp_lay_out(net.arena, net.graph, PRECISION_DOUBLE, 1, true));
    const struct node *node = net.graph->nodes.items[0];
    float input[3] = {0}, targets[3] = {-3, -3, -3};
    interp_set(interp, node->inputs[0], (const double[]){-2, 0, 2}, 3);
    struct lathe_batch batch = {.input = input, .targets = targets, .count = 1};
    interp_step(interp, &batch, 0, 0); /* dy = 2 / 3 * (y + 3) */
    double y[3], dx[3], sums[12];
    interp_get(interp, node->outputs[0], y, 3);
    interp_get(interp, node->inputs[0]->gradient, dx, 3);
    interp_get(interp, node->inputs[1]->gradient, sums, 12);
    static const double values[] = {0, 0, 2}, slopes[] = {0, 2, 10. / 3};
    static const double by_shift[] = {0, 0.5, 2.5 / 3, 0.5, 0, 0}; /* b_0, then b_1: a quarter */
    for (int i = 0; i < 3; i++) {
        ck_assert_double_eq_tol(y[i], values[i], 1e-12);
        ck_assert_double_eq_tol(dx[i], slopes[i], 1e-12);
    }
    for (int i = 0; i < 6; i++)
        ck_assert_double_eq_tol(sums[6 + i], by_shift[i], 1e-12);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

START_TEST(dropout)
{
    struct net net = net_of_parameter(3, 4, 5);
    net_dropout(&net, 0.3, 0);
    net_dropout(&net, 0.5, 1);
    net_finish(&net, OP_mse);
    check_graph(&net, 2);
}
END_TEST

/* Of softmax or not; smoothing of cross-entropy; bce of images too. */
START_TEST(losses)
{
    static const enum op ops[] = {OP_mse,           OP_mse, OP_cross_entropy,
                                  OP_cross_entropy, OP_bce, OP_bce};
    struct net net = net_of_parameter(6, _i == 5 ? 3 : 0, _i == 5 ? 2 : 0);
    if (_i == 1)
        net_plain(&net, OP_softmax, NULL);
    net_finish(&net, ops[_i]);
    if (_i == 3)
        net.graph->loss->producer->loss.smoothing = 0.3;
    check_graph(&net, 5);
}
END_TEST

/* Value and gradient in double on PyTorch's inputs: four samples of two outputs. */
START_TEST(losses_are_pytorchs)
{
    static const enum op ops[] = {OP_cross_entropy, OP_cross_entropy, OP_mse, OP_bce, OP_bce};
    struct net net = net_of_parameter(2, 0, 0);
    net_finish(&net, ops[_i]);
    if (_i == 1)
        net.graph->loss->producer->loss.smoothing = 0.1;
    struct interp *interp =
        interp_new(interp_lay_out(net.arena, net.graph, PRECISION_DOUBLE, 4, true));
    const struct node *loss = net.graph->loss->producer;
    static const int32_t labels[] = {0, 1, 1, 0};
    float targets[8];
    for (int i = 0; i < 8; i++)
        targets[i] = _i == 4 ? (float)soft_targets[i] : labels[i / 2] == i % 2;
    interp->run.labels = labels;
    interp->run.targets = targets;
    interp->run.count = 4;
    interp->run.training = true;
    interp_set(interp, loss->inputs[0], loss_inputs, 8);
    double value, gradient[8];
    interp_node(loss, &interp->run);
    for (int i = 0; i < net.graph->nodes.count; i++)
        if (net.graph->nodes.items[i]->forward == loss)
            interp_node(net.graph->nodes.items[i], &interp->run);
    interp_get(interp, net.graph->loss, &value, 1);
    interp_get(interp, loss->inputs[0]->gradient, gradient, 8);
    /* targets are floats: those of bce differ from PyTorch's doubles in the eighth figure */
    ck_assert_double_eq_tol(value, loss_cases[_i].loss, 1e-7);
    for (int i = 0; i < 8; i++)
        ck_assert_double_eq_tol(gradient[i], loss_cases[_i].gradient[i], 1e-8);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

/* From weights of 0 nothing is learnt but, where there are biases, the last of these. */
START_TEST(zeros_do_not_move)
{
    bool bias = _i == 1;
    struct net net = net_new(5, 0, 0);
    net_linear(&net, 4, bias, "first");
    net_curve(&net, CURVE_RELU, 0, NULL);
    net_linear(&net, 4, bias, "second");
    net_curve(&net, CURVE_RELU, 0, NULL);
    net_linear(&net, 3, bias, "last");
    net_finish(&net, OP_cross_entropy);
    struct interp *interp =
        interp_new(interp_lay_out(net.arena, net.graph, PRECISION_FLOAT, 2, true));
    float input[10] = {1, -2, 3, -4, 5, 0.5f, 7, -8, 9, 1};
    const int32_t labels[] = {0, 2};
    const double zeros[20] = {0};
    int moved = 0;
    for (int i = 0; i < net.graph->tensors.count; i++)
        if (net.graph->tensors.items[i]->kind == TENSOR_PARAMETER)
            interp_set(interp, net.graph->tensors.items[i], zeros,
                       tensor_elements(net.graph->tensors.items[i]));
    struct lathe_batch batch = {.input = input, .labels = (int32_t *)labels, .count = 2};
    interp_step(interp, &batch, 0, 0);
    for (int i = 0; i < net.graph->tensors.count; i++) {
        const struct tensor *tensor = net.graph->tensors.items[i];
        double gradient[20] = {0};
        if (tensor->kind != TENSOR_PARAMETER)
            continue;
        interp_get(interp, tensor->gradient, gradient, tensor_elements(tensor));
        bool moves = false;
        for (int k = 0; k < 20; k++)
            moves |= gradient[k] != 0;
        ck_assert_int_eq(moves, strcmp(tensor->name, "last.bias") == 0);
        moved += moves;
    }
    ck_assert_int_eq(moved, bias);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

START_TEST(addition)
{
    struct net net = net_of_parameter(2, 3, 3);
    struct tensor *x = net.last;
    struct tensor *y = net_conv(&net, square_conv(2, 3, 1, 1), NULL);
    net_add(&net, x, y, NULL);
    net_finish(&net, OP_mse);
    check_graph(&net, 2);
}
END_TEST

/* Images or rows, of more inputs than other operators have, one of them twice. */
START_TEST(concatenation)
{
    struct net net = net_of_parameter(2, _i ? 0 : 3, _i ? 0 : 2);
    struct tensor *x = net.last;
    struct tensor *parts[12];
    for (int i = 0; i < 12; i++) {
        net.last = x;
        parts[i] = i % 4 == 1 ? net_curve(&net, CURVE_TANH, 0, NULL) : x;
    }
    ck_assert_int_eq(net_concat(&net, parts, 12, "c")->dims[0], 24);
    net_finish(&net, OP_mse);
    check_graph(&net, 2);
}
END_TEST

START_TEST(reshaping)
{
    struct net net = net_of_parameter(_i ? 24 : 2, _i ? 0 : 3, _i ? 0 : 4);
    const struct tensor *y = net_reshape(&net, 6, 2, 2);
    ck_assert(y->rank == 3 && y->dims[0] == 6 && y->dims[1] == 2 && y->dims[2] == 2);
    net_finish(&net, OP_mse);
    check_graph(&net, 2);
}
END_TEST

START_TEST(local_response_norm)
{
    static const struct {
        int channels, size;
        double alpha, beta, k;
    } cases[] = {{7, 5, 1e-4, 0.75, 1}, {7, 3, 0.8, 0.75, 2}, {3, 5, 2, 0.6, 0.5},
                 {4, 1, 1, 0.5, 1},     {6, 11, 0, 1, 3},     {5, 3, 1.5, 0, 1}};
    struct net net = net_of_parameter(cases[_i].channels, 2, 3);
    struct node *node = net_node(&net, OP_lrn, NULL);
    node->lrn.size = cases[_i].size;
    node->lrn.alpha = cases[_i].alpha;
    node->lrn.beta = cases[_i].beta;
    node->lrn.k = cases[_i].k;
    net_shape(&net, node);
    net_finish(&net, OP_mse);
    check_graph(&net, 2);
}
END_TEST

/* x + body(x), the body with an inner one; gates 0 and 1 are COUNT's first two draws. */
static struct net gated_net(double p)
{
    struct net net = net_of_parameter(3, 2, 3);
    struct tensor *x = net.last;
    struct gate *outer = net_gate(&net, p, NULL), *inner = net_gate(&net, p, outer);
    net_batchnorm(&net, "b");
    struct tensor *y = net_conv(&net, square_conv(3, 1, 1, 0), "c");
    net_conv(&net, square_conv(3, 3, 1, 1), "d");
    net.last->producer->gate = inner;
    y = net_add(&net, net_drop_path(&net, inner), y, "sum");
    for (int i = 0; i < net.graph->nodes.count; i++)
        if (!net.graph->nodes.items[i]->gate)
            net.graph->nodes.items[i]->gate = outer;
    net.last = y;
    net_add(&net, net_drop_path(&net, outer), x, "sum2");
    net_finish(&net, OP_mse);
    return net;
}

/* Seeds enough for every combination of what is kept. */
START_TEST(stochastic_depth)
{
    bool seen[4] = {0};
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct net net = gated_net(0.5);
        const struct verify_options options = {.seed = seed, .batch = 2, .entries = 1 << 20};
        const struct run run = {.training = true, .seed = seed};
        struct text out = {0};
        bool ok = verify_gradients(net.graph, &options, &out);
        ok &= verify_kernels(net.graph, &options, &out);
        ck_assert_msg(ok, "\n%s", out.data);
        seen[2 * gate_kept(net.graph->gates.items[0], &run) +
             gate_kept(net.graph->gates.items[1], &run)] = true;
        text_free(&out);
        arena_free(net.arena);
    }
    ck_assert(seen[0] && !seen[1] && seen[2] && seen[3]);
}
END_TEST

/* ---- whole networks ---- */

/* conv, batchnorm, curve, pool, a residual with a shortcut, dropout, linear. */
static struct net small_resnet(enum curve_kind kind)
{
    struct net net = net_new(3, 8, 8);
    net_conv(&net, square_conv(4, 3, 1, 1), "conv1");
    net_batchnorm(&net, "bn1");
    net_curve(&net, kind, 0.1, "act1");
    struct tensor *x = net_pool(&net, OP_maxpool, pool_cases[0], "pool1");
    struct tensor *shortcut = net_conv(&net, square_conv(6, 1, 1, 0), "shortcut");
    net.last = x;
    net_conv(&net, square_conv(6, 3, 1, 1), "conv2");
    net_batchnorm(&net, "bn2");
    net_curve(&net, kind, 0.1, "act2");
    net_add(&net, net.last, shortcut, "residual1");
    net_plain(&net, OP_globalpool, "pool2");
    net_plain(&net, OP_flatten, "flatten1");
    net_dropout(&net, 0.2, 0);
    net_linear(&net, 10, true, "linear1");
    return net;
}

START_TEST(resnet)
{
    static const enum curve_kind kinds[] = {CURVE_RELU, CURVE_LEAKY_RELU, CURVE_TANH};
    struct net net = small_resnet(kinds[_i]);
    net_finish(&net, OP_cross_entropy);
    check_graph(&net, 4);
}
END_TEST

/* ---- exact arithmetic ---- */

/* Small whole numbers, from what stands in the array. */
static void make_whole(struct interp *interp, const struct tensor *tensor, uint32_t salt)
{
    size_t count = interp_numbers(tensor, interp->run.count);
    double *numbers = lathe_alloc(count, sizeof *numbers);
    uint32_t state = salt;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        numbers[i] = (double)(state >> 28) - 8;
    }
    interp_set(interp, tensor, numbers, count);
    free(numbers);
}

/* Sums of whole numbers come out alike in float and double: kernels miss nothing and add nothing.
 */
static void check_exact(struct net *net)
{
    struct interp *interps[2];
    for (int precision = 0; precision < 2; precision++) {
        struct interp *interp = interps[precision] =
            interp_new(interp_lay_out(net->arena, net->graph, (enum precision)precision, 3, true));
        for (int i = 0; i < net->graph->tensors.count; i++)
            if (!net->graph->tensors.items[i]->producer)
                make_whole(interp, net->graph->tensors.items[i], (uint32_t)i);
        interp->run.training = true;
        const struct node *loss = net->graph->loss->producer;
        for (int i = 0; i < interp->layout->node_count; i++) {
            const struct node *node = interp->layout->nodes[i];
            if (node->forward == loss)
                make_whole(interp, node->outputs[0], 77);
            else if (node != loss)
                interp_node(node, &interp->run);
        }
    }
    for (int i = 0; i < net->graph->tensors.count; i++) {
        const struct tensor *tensor = net->graph->tensors.items[i];
        size_t count = interp_numbers(tensor, 3);
        const float *single = interps[0]->run.data[i];
        const double *wide = interps[1]->run.data[i];
        for (size_t k = 0; k < count && single && tensor != net->graph->loss; k++)
            ck_assert_msg((double)single[k] == wide[k], "%s[%zu]: %g, %g", tensor->name, k,
                          (double)single[k], wide[k]);
    }
    interp_free(interps[0]);
    interp_free(interps[1]);
    arena_free(net->arena);
}

START_TEST(exact_convolution)
{
    struct net net = net_of_parameter(conv_cases[_i].c, conv_cases[_i].h, conv_cases[_i].w);
    net_conv(&net, conv_cases[_i].conv, NULL);
    net_finish(&net, OP_mse);
    check_exact(&net);
}
END_TEST

START_TEST(exact_network)
{
    struct net net = net_of_parameter(4, 8, 8);
    struct tensor *x = net.last;
    net_conv(&net, square_conv(4, 3, 1, 1), NULL);
    net_curve(&net, CURVE_RELU, 0, NULL);
    net_add(&net, net.last, x, NULL);
    net_pool(&net, OP_maxpool, pool_cases[0], NULL);
    net_pool(&net, OP_avgpool, pool_cases[0], NULL);
    net_plain(&net, OP_flatten, NULL);
    net_linear(&net, 5, true, NULL);
    net_finish(&net, OP_mse);
    check_exact(&net);
}
END_TEST

/* ---- batchnorm's running statistics, dropout's draws, first maxima ---- */

/* Run NET's output (or, TRAINING, a step) in double on INPUT. */
static struct interp *run_double(struct net *net, const float *input, int count, bool training)
{
    struct interp *interp =
        interp_new(interp_lay_out(net->arena, net->graph, PRECISION_DOUBLE, count, training));
    for (int i = 0; i < net->graph->tensors.count; i++) {
        const struct tensor *tensor = net->graph->tensors.items[i];
        double *array = interp->run.data[i];
        for (size_t k = 0; array && !tensor->producer && k < interp_numbers(tensor, count); k++)
            array[k] = tensor->init_value; /* constants: batchnorm's */
    }
    float targets[64] = {0};
    struct lathe_batch batch = {.input = (float *)input, .targets = targets, .count = count};
    if (training)
        interp_step(interp, &batch, 3, 4);
    else
        interp_infer(interp, input, count);
    return interp;
}

START_TEST(running_statistics)
{
    struct net net = net_new(1, 0, 0);
    net_batchnorm(&net, "bn");
    net_finish(&net, OP_mse);
    const float input[] = {1, 2, 6, 7};
    struct interp *interp = run_double(&net, input, 4, true);
    const struct node *node = net.graph->nodes.items[0];
    const double *mean = interp->run.data[node->inputs[3]->id];
    const double *var = interp->run.data[node->inputs[4]->id];
    ck_assert_double_eq_tol(*mean, 0.4, 1e-12);
    ck_assert_double_eq_tol(*var, 0.9 + 0.1 * 26 / 3, 1e-12); /* unbiased: 26 / (4 - 1) */
    const double *y = interp->run.data[node->outputs[0]->id];
    ck_assert_double_eq_tol(y[0], -3 / sqrt(6.5 + 1e-5), 1e-12);
    interp_free(interp);

    interp = run_double(&net, input, 1, true); /* one value: no variance to learn from */
    ck_assert_double_eq(*(double *)interp->run.data[node->inputs[4]->id], 1);
    ck_assert_double_eq(*(double *)interp->run.data[node->outputs[0]->id], 0);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

/* x + 2 x where x is 3: a skipped body leaves x, its gradients 0 and running statistics alone;
 * inference weighs it. */
START_TEST(skipped_bodies)
{
    int kept = 0;
    enum { STEPS = 400 };
    const float input[] = {3, 3};
    float targets[2] = {0}; /* interp_infer reads them once more */
    struct net net = net_new(1, 0, 0);
    struct gate *gate = net_gate(&net, 0.25, NULL);
    net_batchnorm(&net, "b")->producer->gate = gate;
    const struct node *norm = net.last->producer;
    net_add(&net, net_drop_path(&net, gate), net.graph->input, "sum");
    net_finish(&net, OP_mse);
    struct interp *interp = run_double(&net, input, 2, true);
    const double *mean = interp->run.data[norm->inputs[3]->id];
    const double *beta = interp->run.data[norm->inputs[2]->gradient->id];
    for (int step = 0; step < STEPS; step++) {
        double before = *mean;
        struct lathe_batch batch = {.input = (float *)input, .targets = targets, .count = 2};
        interp_step(interp, &batch, 9, (uint64_t)step);
        ck_assert_int_eq(*mean != before, gate_kept(gate, &interp->run));
        ck_assert_int_eq(*beta != 0, gate_kept(gate, &interp->run));
        kept += gate_kept(gate, &interp->run);
    }
    ck_assert_int_gt(kept, STEPS * 3 / 4 - 40);
    ck_assert_int_lt(kept, STEPS * 3 / 4 + 40);
    interp_infer(interp, input, 2);
    double y = *(double *)interp->run.data[norm->outputs[0]->id];
    ck_assert_double_ne(y, 0);
    ck_assert_double_eq_tol(*(double *)interp->run.data[net.graph->output->id], 3 + 0.75 * y,
                            1e-12);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

START_TEST(dropout_draws)
{
    enum { NUMBERS = 4000 };
    struct net net = net_new(NUMBERS, 0, 0);
    net_dropout(&net, 0.25, 0);
    float input[NUMBERS];
    for (int i = 0; i < NUMBERS; i++)
        input[i] = 3;
    struct interp *interp = run_double(&net, input, 1, false);
    const double *y = interp->run.data[net.graph->output->id];
    for (int i = 0; i < NUMBERS; i++)
        ck_assert_double_eq(y[i], 3);
    int dropped = 0;
    interp->run.training = true;
    interp_node(net.graph->nodes.items[0], &interp->run);
    for (int i = 0; i < NUMBERS; i++) {
        ck_assert(y[i] == 0 || y[i] == 4);
        dropped += y[i] == 0;
    }
    ck_assert_int_gt(dropped, NUMBERS / 4 - 150);
    ck_assert_int_lt(dropped, NUMBERS / 4 + 150);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

START_TEST(first_maximum_wins)
{
    struct net net = net_of_parameter(1, 2, 2);
    net_pool(&net, OP_maxpool, pool_cases[0], NULL);
    net_finish(&net, OP_mse);
    struct interp *interp =
        interp_new(interp_lay_out(net.arena, net.graph, PRECISION_FLOAT, 1, true));
    const struct node *node = net.graph->nodes.items[0];
    interp_set(interp, node->inputs[0], (const double[]){1, 5, 5, 5}, 4);
    float zeros[4] = {0};
    struct lathe_batch batch = {.input = zeros, .targets = zeros, .count = 1};
    interp_step(interp, &batch, 0, 0);
    const float *dx = interp->run.data[node->inputs[0]->gradient->id];
    ck_assert_float_eq(dx[0], 0);
    ck_assert_float_eq(dx[1], 10);
    ck_assert_float_eq(dx[2], 0);
    ck_assert_float_eq(dx[3], 0);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

START_TEST(loss_counts_correct)
{
    struct net net = net_new(3, 0, 0);
    net_curve(&net, CURVE_RELU, 0, NULL);
    net_plain(&net, OP_cross_entropy, "loss");
    tabulate_curves(net.graph);
    struct interp *interp =
        interp_new(interp_lay_out(net.arena, net.graph, PRECISION_FLOAT, 4, false));
    void *loss;
    float loss_value;
    const int32_t labels[] = {2, 0, 1, 0};
    const float input[] = {0, 1, 2, 3, 3, 3, 3, 3, 3, 1000, 0, -1000}; /* ties: the first */
    interp_infer(interp, input, 4);
    interp->run.labels = labels;
    loss = interp->run.data[net.graph->loss->id];
    interp->run.data[net.graph->loss->id] = &loss_value;
    interp_node(net.graph->loss->producer, &interp->run);
    ck_assert_ptr_null(loss); /* inference has no use for it */
    ck_assert_int_eq(interp->run.correct, 3);
    double expected = (log(exp(-2) + exp(-1) + 1) + 2 * log(3)) / 4;
    ck_assert_double_eq_tol((double)loss_value, expected, 1e-6);
    interp_free(interp);
    arena_free(net.arena);
}
END_TEST

/* ---- shape rules: what they add, and what they say ---- */

START_TEST(initialisation)
{
    static const struct {
        struct init_choice choice;
        enum lathe_init init;
        double value, bias_value;
    } cases[] = {
        {{INIT_DEFAULT, 0}, LATHE_UNIFORM, 0.25, 0.25},
        {{INIT_UNIFORM, 0}, LATHE_UNIFORM, 0.25, 0.25},
        {{INIT_UNIFORM, 0.5}, LATHE_UNIFORM, 0.5, 0.5},
        {{INIT_XAVIER, 0}, LATHE_NORMAL, 0.25, 0},
        {{INIT_HE, 0}, LATHE_NORMAL, 0.35355339059327379, 0},
        {{INIT_NORMAL, 0.7}, LATHE_NORMAL, 0.7, 0},
        {{INIT_ZEROS, 0}, LATHE_CONSTANT, 0, 0},
    };
    struct net net = net_new(8, 4, 4);
    struct conv_attributes conv = square_conv(2, 2, 1, 0); /* fan_in 8 / 2 * 2 * 2 = 16 */
    conv.groups = 2;
    conv.init = cases[_i].choice;
    net_conv(&net, conv, "block2.conv");
    const struct node *node = net.graph->nodes.items[0];
    ck_assert_str_eq(node->inputs[1]->name, "block2.conv.weight");
    ck_assert_str_eq(node->inputs[2]->name, "block2.conv.bias");
    ck_assert_str_eq(tensor_shape_text(net.arena, node->inputs[1]), "2x4x2x2");
    ck_assert_int_eq(node->inputs[1]->init, cases[_i].init);
    ck_assert_double_eq_tol(node->inputs[1]->init_value, cases[_i].value, 1e-15);
    ck_assert_double_eq_tol(node->inputs[2]->init_value, cases[_i].bias_value, 1e-15);
    arena_free(net.arena);
}
END_TEST

/* A layer that does not fit: an operator on an input C x H x W (H 0: flat), its numbers in order.
 */
struct misfit {
    enum op op;
    int c, h, w;
    int numbers[12]; /* conv: channels, kernel, stride, dilation, groups, pad, same; pools: kernel,
                        stride, pad; linear: units */
    double real;
    const char *message;
};

static const struct misfit misfits[] = {
    {OP_conv, 128, 4, 4, {8, 7, 1, 1, 1, 0}, 0, "kernel 7 does not fit input 128x4x4 (padding 0)"},
    {OP_conv,
     128,
     4,
     4,
     {8, 3, 1, 4, 1, 2},
     0,
     "kernel 3 does not fit input 128x4x4 (padding 2, dilation 4)"},
    {OP_conv, 6, 4, 4, {8, 3, 1, 1, 4, 1}, 0, "4 groups do not divide 6 input channels"},
    {OP_conv, 6, 4, 4, {8, 3, 1, 1, 3, 1}, 0, "3 groups do not divide 8 output channels"},
    {OP_conv, 6, 4, 4, {8, 3, 0, 1, 1, 1}, 0, "stride must be at least 1, given 0"},
    {OP_conv, 6, 4, 4, {8, 3, 0, 1, 1, 0, 1}, 0, "stride must be at least 1, given 0"},
    {OP_conv, 6, 4, 4, {8, 3, 1, 1, 0, 1}, 0, "groups must be at least 1, given 0"},
    {OP_conv, 6, 4, 4, {8, 3, 1, 0, 1, 1}, 0, "dilation must be at least 1, given 0"},
    {OP_conv, 6, 4, 4, {8, 3, 1, 1, 1, -1}, 0, "padding must be at least 0, given -1"},
    {OP_conv, 6, 4, 4, {70000, 3, 1, 1, 1, 1}, 0, "channels must be at most 65536, given 70000"},
    {OP_conv, 6, 4, 4, {0, 3, 1, 1, 1, 1}, 0, "channels must be at least 1, given 0"},
    {OP_conv,
     6,
     4,
     4,
     {8, 60000, 1, 60000, 1, 0, 1},
     0,
     "kernel and dilation must span at most 65536 pixels"},
    {OP_conv,
     65536,
     4,
     4,
     {65536, 3, 1, 1, 1, 1},
     0,
     "weight 65536x65536x3x3 is too large: at most 2147483647 elements, without the batch"},
    {OP_conv,
     1,
     4,
     4,
     {65536, 1, 1, 1, 1, 60000},
     0,
     "output 65536x120004x120004 is too large: at most 2147483647 elements, without the batch"},
    {OP_conv,
     100,
     0,
     0,
     {8, 3, 1, 1, 1, 1},
     0,
     "conv takes an image (channels x height x width), given a flat 100"},
    {OP_linear,
     64,
     4,
     4,
     {10},
     0,
     "linear takes a flat input, given 64x4x4: put flatten() before it"},
    {OP_linear, 64, 0, 0, {0}, 0, "units must be at least 1, given 0"},
    {OP_maxpool, 64, 4, 4, {5, 5, 0}, 0, "kernel 5 does not fit input 64x4x4 (padding 0)"},
    {OP_maxpool, 64, 4, 4, {2, 2, 2}, 0, "padding 2 must be smaller than the kernel's height 2"},
    {OP_avgpool,
     64,
     0,
     0,
     {2, 2, 0},
     0,
     "avgpool takes an image (channels x height x width), given a flat 64"},
    {OP_globalpool,
     64,
     0,
     0,
     {0},
     0,
     "globalpool takes an image (channels x height x width), given a flat 64"},
    {OP_dropout, 64, 0, 0, {0}, 1, "p must be at least 0 and below 1, given 1"},
    {OP_dropout, 64, 0, 0, {0}, -0.5, "p must be at least 0 and below 1, given -0.5"},
    {OP_batchnorm, 64, 0, 0, {0}, 0, "eps must be above 0, given 0"},
    {OP_batchnorm, 64, 0, 0, {0}, -1, "eps must be above 0, given -1"},
    {OP_softmax,
     64,
     4,
     4,
     {0},
     0,
     "softmax takes a flat input, given 64x4x4: put flatten() before it"},
    {OP_cross_entropy,
     64,
     4,
     4,
     {0},
     0,
     "cross_entropy takes a flat input, given 64x4x4: put flatten() before it"},
    {OP_concat,
     64,
     4,
     4,
     {0},
     0,
     "branch 2 gives 64x4x1, branch 1 64x4x4: they may differ in channels alone"},
    {OP_reshape, 64, 4, 4, {4, 4, 4}, 0, "4x4x4 has 64 numbers, the input 64x4x4 has 1024"},
    {OP_reshape, 64, 4, 4, {16, 0, 4}, 0, "height must be at least 1, given 0"},
    {OP_lrn,
     64,
     4,
     4,
     {4},
     1,
     "size must be odd, a channel and its neighbours on both sides, given 4"},
    {OP_lrn, 2, 4, 4, {5}, 1, "size 5 is too wide for 2 channels, at most 3"},
    {OP_lrn, 64, 4, 4, {0}, 1, "size must be at least 1, given 0"},
    {OP_lrn, 64, 4, 4, {5}, 0, "k must be above 0, alpha and beta at least 0, given 0, 0 and 0"},
    {OP_add, 64, 4, 4, {0}, 0, "cannot add 64x4x4 and 64x4x1: the shapes differ"},
};

static struct net build_misfit(const struct misfit *misfit)
{
    const int *n = misfit->numbers;
    struct net net = net_new(misfit->c, misfit->h, misfit->w);
    struct node *node = net_node(&net, misfit->op, "block2.layer");
    if (misfit->op == OP_conv) {
        node->conv = square_conv(n[0], n[1], n[2], n[5]);
        node->conv.dilation_h = node->conv.dilation_w = n[3];
        node->conv.groups = n[4];
        node->conv.pad_same = n[6];
    } else if (misfit->op == OP_linear) {
        node->linear.units = n[0];
    } else if (misfit->op == OP_maxpool || misfit->op == OP_avgpool) {
        node->pool = (struct pool_attributes){n[0], n[0], n[1], n[1], n[2], n[2], n[2], n[2]};
    } else if (misfit->op == OP_reshape) {
        memcpy(node->reshape.dims, n, sizeof node->reshape.dims);
    } else if (misfit->op == OP_lrn) {
        node->lrn.size = n[0];
        node->lrn.k = misfit->real;
    } else if (misfit->op == OP_dropout) {
        node->dropout.p = misfit->real;
    } else if (misfit->op == OP_batchnorm) {
        node->batchnorm.eps = misfit->real;
    } else if (misfit->op == OP_add || misfit->op == OP_concat) {
        node_add_input(node,
                       graph_add_tensor(net.graph, TENSOR_INPUT, "y", true, 3,
                                        (int[]){misfit->c, misfit->h, 1}),
                       net.graph);
    }
    return net;
}

static void infer_misfit(void *graph)
{
    infer_shapes(graph);
}

START_TEST(misfit_messages)
{
    struct net net = build_misfit(&misfits[_i]);
    struct failure failure;
    char expected[256];
    snprintf(expected, sizeof expected, "net.lua:7: block2.layer: %s", misfits[_i].message);
    ck_assert_int_eq(protected_call(infer_misfit, net.graph, &failure), STATUS_USER);
    ck_assert_str_eq(failure.message, expected);
    arena_free(net.arena);
}
END_TEST

START_TEST(curve_problem_names_the_node)
{
    struct net net = net_new(4, 0, 0);
    struct node *node = net_node(&net, OP_curve, "act3");
    node->curve = dynamic_curve(net.arena, 0);
    node->curve->parameter[DYNAMIC_Z] = 0;
    net_shape(&net, node);
    struct failure failure;
    ck_assert_int_eq(protected_call((void (*)(void *))tabulate_curves, net.graph, &failure),
                     STATUS_USER);
    ck_assert_int_eq(strncmp(failure.message, "net.lua:7: act3: dynamic: ", 26), 0);
    arena_free(net.arena);
}
END_TEST

/* ---- the gradient pass ---- */

/* The graph printed is exactly TEXT. */
static void check_print(const struct graph *graph, const char *text)
{
    struct text out = {0};
    graph_print(graph, &out);
    ck_assert_str_eq(out.data, text);
    text_free(&out);
}

START_TEST(gradients_only_where_needed)
{
    struct net net = net_new(2, 4, 4);
    net_conv(&net, square_conv(3, 3, 1, 1), "conv1");
    net_batchnorm(&net, "bn1");
    net_curve(&net, CURVE_RELU, 0, "act1");
    net_finish(&net, OP_mse);
    check_print(
        net.graph,
        "conv1 = conv(input, conv1.weight, conv1.bias) 3x4x4\n"
        "bn1, bn1.mean, bn1.invstd = batchnorm(conv1, bn1.weight, bn1.bias, bn1.running_mean, "
        "bn1.running_var) 3x4x4\n"
        "act1 = curve(bn1) 3x4x4\n"
        "loss = mse(act1) 1\n"
        "act1.grad = mse.backward(act1, loss) 3x4x4\n"
        "bn1.grad = curve.backward(bn1, act1, act1.grad) 3x4x4\n"
        "conv1.grad, bn1.weight.grad, bn1.bias.grad, -, - = batchnorm.backward(conv1, bn1.weight, "
        "bn1.bias, bn1.running_mean, bn1.running_var, bn1, bn1.mean, bn1.invstd, bn1.grad) 3x4x4\n"
        "-, conv1.weight.grad, conv1.bias.grad = conv.backward(input, conv1.weight, conv1.bias, "
        "conv1, conv1.grad) 3x2x3x3\n");
    arena_free(net.arena);
}
END_TEST

START_TEST(gradients_of_shared_tensors)
{
    struct net net = net_new(4, 0, 0);
    struct tensor *x = net_linear(&net, 4, false, "a");
    struct tensor *y = net_curve(&net, CURVE_TANH, 0, "b");
    struct tensor *z = net_add(&net, x, y, "c");
    net_add(&net, z, x, "d");
    net_finish(&net, OP_mse);
    check_print(net.graph, "a = linear(input, a.weight) 4\n"
                           "b = curve(a) 4\n"
                           "c = add(a, b) 4\n"
                           "d = add(c, a) 4\n"
                           "loss = mse(d) 1\n"
                           "d.grad = mse.backward(d, loss) 4\n"
                           "c.grad, a.grad.from.d = add.backward(c, a, d, d.grad) 4\n"
                           "a.grad.from.c, b.grad = add.backward(a, b, c, c.grad) 4\n"
                           "a.grad.sum1 = add(a.grad.from.d, a.grad.from.c) 4\n"
                           "a.grad.from.b = curve.backward(a, b, b.grad) 4\n"
                           "a.grad = add(a.grad.sum1, a.grad.from.b) 4\n"
                           "-, a.weight.grad = linear.backward(input, a.weight, a, a.grad) 4x4\n");
    check_graph(&net, 3);
}
END_TEST

START_TEST(a_tensor_added_to_itself)
{
    struct net net = net_of_parameter(4, 0, 0);
    net_add(&net, net.last, net.last, "twice");
    net_finish(&net, OP_mse);
    check_print(net.graph, "twice = add(x, x) 4\n"
                           "loss = mse(twice) 1\n"
                           "twice.grad = mse.backward(twice, loss) 4\n"
                           "x.grad.from.twice, x.grad.from.twice.2 = add.backward(x, x, twice, "
                           "twice.grad) 4\n"
                           "x.grad = add(x.grad.from.twice, x.grad.from.twice.2) 4\n");
    check_graph(&net, 2);
}
END_TEST

/* What the loss does not read has no gradient: here softmax, which only infer writes. */
START_TEST(output_beside_the_loss)
{
    struct net net = net_new(4, 0, 0);
    struct tensor *logits = net_linear(&net, 3, true, "linear1");
    struct tensor *output = net_plain(&net, OP_softmax, "softmax1");
    net.last = logits;
    net_finish(&net, OP_cross_entropy);
    net.graph->output = output;
    ck_assert_ptr_null(output->gradient);
    ck_assert_ptr_nonnull(logits->gradient);
    check_graph(&net, 3);
}
END_TEST

/* ---- the interpreter ---- */

/* A network around GRAPH, as spec.c makes it. */
static struct network network_of(struct net *net)
{
    return (struct network){.arena = net->arena,
                            .graph = net->graph,
                            .name = "net",
                            .spec_path = "net.lua",
                            .training = {.batch = 4}};
}

static void fill(float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)sin(0.7 * (double)i + 0.1);
}

START_TEST(same_bits_twice)
{
    struct net net = small_resnet(CURVE_LEAKY_RELU);
    net_finish(&net, OP_cross_entropy);
    struct network network = network_of(&net);
    const struct lathe_model *model = interp_model(net.arena, &network, 4, 4);
    float input[4 * 3 * 8 * 8];
    int32_t labels[] = {1, 2, 3, 4};
    fill(input, (size_t)COUNT_OF(input));
    struct lathe_batch batch = {.input = input, .labels = labels, .count = 4};
    char *arenas[2];
    for (int i = 0; i < 2; i++) {
        struct lathe_step_result result;
        arenas[i] = lathe_alloc(model->train_arena_bytes, 1);
        lathe_initialise_all(model, 5, (float *)(arenas[i] + model->state_offset));
        model->step(model, &batch, 1, 2, &result, arenas[i]);
        ck_assert(isfinite(result.loss) && result.loss > 0);
    }
    ck_assert_mem_eq(arenas[0], arenas[1], model->train_arena_bytes);
    free(arenas[0]);
    free(arenas[1]);
    arena_free(net.arena);
}
END_TEST

START_TEST(model_infers_as_interp)
{
    struct net net = small_resnet(CURVE_RELU);
    net_finish(&net, OP_cross_entropy);
    struct network network = network_of(&net);
    struct lathe_model *model = interp_model(net.arena, &network, 4, 0);
    ck_assert_int_eq(model->outputs, 10);
    ck_assert_uint_eq(model->train_arena_bytes, 0);
    float *state = lathe_alloc(model->state_floats, sizeof *state);
    lathe_initialise_all(model, 5, state);
    const float *weights[64];
    for (int i = 0; i < model->parameter_count; i++)
        weights[i] = state + model->parameters[i].offset; /* logical is packed */
    float input[3 * 3 * 8 * 8], output[3 * 10];
    fill(input, (size_t)COUNT_OF(input));
    void *arena = lathe_alloc(model->infer_arena_bytes, 1);
    model->load(model, weights, arena);
    model->infer(model, input, output, 3, arena);
    struct interp *interp =
        interp_new(interp_lay_out(net.arena, net.graph, PRECISION_FLOAT, 3, false));
    interp_load(interp, weights);
    interp_infer(interp, input, 3);
    ck_assert_mem_eq(output, interp->run.data[net.graph->output->id], sizeof output);
    interp_free(interp);
    free(arena);
    free(state);
    arena_free(net.arena);
}
END_TEST

/* The interpreter's packed layout is the logical one, grouped convolutions included; trained
 * parameters come before running statistics. */
START_TEST(parameters_are_logical)
{
    struct net net = net_new(4, 5, 5);
    struct conv_attributes conv = square_conv(6, 3, 1, 1);
    conv.groups = 2;
    net_conv(&net, conv, "conv1");
    net_batchnorm(&net, "bn1");
    net_plain(&net, OP_flatten, "flatten1");
    net_linear(&net, 3, true, "linear1");
    struct lathe_parameter *parameters;
    size_t trainable, state;
    ck_assert_int_eq(interp_parameters(net.arena, net.graph, &parameters, &trainable, &state), 8);
    ck_assert_uint_eq(trainable, 6 * 2 * 9 + 6 + 12 + 3 * 150 + 3);
    ck_assert_uint_eq(state, trainable + 12);
    ck_assert_str_eq(parameters[4].name, "bn1.running_mean");
    ck_assert_uint_eq(parameters[4].offset, trainable);
    for (int i = 0; i < 8; i++) {
        float logical[1024], packed[1024];
        size_t elements = lathe_parameter_elements(&parameters[i]);
        ck_assert_uint_eq(lathe_parameter_floats(&parameters[i]), elements);
        fill(logical, elements);
        lathe_pack(&parameters[i], logical, packed);
        ck_assert_mem_eq(logical, packed, elements * sizeof *logical);
    }
    arena_free(net.arena);
}
END_TEST

/* The interpreter's own step stands in for a generated program: verify must pass it, and must see
 * a mistake. */
static void broken_step(const struct lathe_model *model, const struct lathe_batch *batch,
                        uint64_t seed, uint64_t step, struct lathe_step_result *result, void *arena)
{
    const struct lathe_model *right = (const struct lathe_model *)model->provenance;
    right->step(right, batch, seed, step, result, arena);
    ((float *)((char *)arena + model->gradient_offset))[3] *= 1.001f;
}

START_TEST(verify_sees_mistakes)
{
    struct net net = small_resnet(CURVE_LEAKY_RELU);
    net_finish(&net, OP_cross_entropy);
    struct network network = network_of(&net);
    struct lathe_model *model = interp_model(net.arena, &network, 4, 4);
    const struct verify_options options = {.seed = 3, .batch = 4, .entries = 16};
    struct text out = {0};
    ck_assert_msg(verify_run(&network, model, &options, &out), "\n%s", out.data);
    struct lathe_model broken = *model;
    broken.provenance = (const char *)model;
    broken.step = broken_step;
    ck_assert(!verify_generated(net.graph, &broken, &options, &out));
    text_free(&out);
    arena_free(net.arena);
}
END_TEST

/* The interpreter against itself: no difference. */
START_TEST(compare_with_itself)
{
    struct net net = small_resnet(CURVE_RELU);
    net_finish(&net, OP_cross_entropy);
    struct network network = network_of(&net);
    network.has_training = true;
    network.training.optimizer = (struct lathe_optimizer){.momentum = 0.9};
    network.training.schedule = (struct lathe_schedule){.kind = LATHE_FIXED, .lr = 0.01};
    const struct lathe_model *model = interp_model(net.arena, &network, 4, 4);
    for (int train = 0; train < 2; train++) {
        struct compare_options options = {.train = train, .seconds = 0.2, .json = true};
        struct text out = {0};
        double interpreted, generated, ratio, difference;
        ck_assert(compare_run(&network, model, &options, &out));
        ck_assert_int_eq(sscanf(out.data,
                                "{\"interpreted_ms\": %lf, \"generated_ms\": %lf, \"ratio\": "
                                "%lf, \"max_difference\": %lf}",
                                &interpreted, &generated, &ratio, &difference),
                         4);
        ck_assert(interpreted > 0 && generated > 0 && difference == 0);
        options.json = false;
        ck_assert(compare_run(&network, model, &options, &out));
        text_free(&out);
    }
    arena_free(net.arena);
}
END_TEST

static void add_kernel_tests(Suite *suite)
{
    TCase *kernels = tcase_create("kernels"), *magnitudes = tcase_create("magnitudes");
    tcase_add_test(magnitudes, magnitudes_are_of_all_terms);
    tcase_add_loop_test(magnitudes, magnitudes_of_one_term, 0, 3);
    tcase_set_timeout(kernels, 120);
    tcase_add_loop_test(kernels, convolution, 0, COUNT_OF(conv_cases));
    tcase_add_loop_test(kernels, linear, 0, 2);
    tcase_add_loop_test(kernels, batchnorm, 0, 4);
    tcase_add_loop_test(kernels, pool, 0, COUNT_OF(pool_cases));
    tcase_add_test(kernels, globalpool);
    tcase_add_loop_test(kernels, curves, 0, CURVE_CASES);
    tcase_add_loop_test(kernels, curves_of_many_numbers, 0, 2);
    tcase_add_loop_test(kernels, learned, 0, COUNT_OF(learned_cases));
    tcase_add_test(kernels, learned_among_others);
    tcase_add_loop_test(kernels, learned_dynamic_is_the_curve, 0, 4);
    tcase_add_loop_test(kernels, learned_slope_at_zero, 0, 2);
    tcase_add_loop_test(kernels, dynamic_relu, 0, 4);
    tcase_add_test(kernels, dynamic_relu_begins_as_relu);
    tcase_add_test(kernels, dropout);
    tcase_add_loop_test(kernels, concatenation, 0, 2);
    tcase_add_test(kernels, stochastic_depth);
    tcase_add_test(kernels, skipped_bodies);
    tcase_add_loop_test(kernels, reshaping, 0, 2);
    tcase_add_loop_test(kernels, local_response_norm, 0, 6);
    tcase_add_loop_test(kernels, losses, 0, 6);
    tcase_add_loop_test(kernels, zeros_do_not_move, 0, 2);
    tcase_add_loop_test(kernels, losses_are_pytorchs, 0, 5);
    tcase_add_test(kernels, addition);
    tcase_add_loop_test(kernels, resnet, 0, 3);
    tcase_add_loop_test(kernels, exact_convolution, 0, COUNT_OF(conv_cases));
    tcase_add_test(kernels, exact_network);
    tcase_add_test(kernels, running_statistics);
    tcase_add_test(kernels, dropout_draws);
    tcase_add_test(kernels, first_maximum_wins);
    tcase_add_test(kernels, loss_counts_correct);
    suite_add_tcase(suite, magnitudes);
    suite_add_tcase(suite, kernels);
}

Suite *ops_suite(void)
{
    Suite *suite = suite_create("ops");
    add_kernel_tests(suite);
    TCase *shapes = tcase_create("shapes");
    tcase_add_loop_test(shapes, initialisation, 0, 5);
    tcase_add_loop_test(shapes, misfit_messages, 0, COUNT_OF(misfits));
    tcase_add_test(shapes, curve_problem_names_the_node);
    suite_add_tcase(suite, shapes);
    TCase *gradients = tcase_create("gradients");
    tcase_add_test(gradients, gradients_only_where_needed);
    tcase_add_test(gradients, gradients_of_shared_tensors);
    tcase_add_test(gradients, a_tensor_added_to_itself);
    tcase_add_test(gradients, output_beside_the_loss);
    suite_add_tcase(suite, gradients);
    TCase *interpreter = tcase_create("interpreter");
    tcase_add_test(interpreter, same_bits_twice);
    tcase_add_test(interpreter, model_infers_as_interp);
    tcase_add_test(interpreter, parameters_are_logical);
    tcase_add_test(interpreter, verify_sees_mistakes);
    tcase_add_test(interpreter, compare_with_itself);
    suite_add_tcase(suite, interpreter);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(ops_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
