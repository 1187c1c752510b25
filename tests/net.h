/*
 * net: small graphs for tests, built as spec.c builds them: a node, its attributes, its shape rule.
 */
#ifndef LATHE_TEST_NET_H
#define LATHE_TEST_NET_H

#include "../gen/ir.h"
#include "../gen/op/op.h"
#include "../gen/passes.h"

#include <string.h>

struct net {
    struct arena *arena;
    struct graph *graph;
    struct tensor *last; /* what the next layer reads */
    int layers;
};

static const struct where nowhere_in_particular = {"net.lua", 7};

/* A graph whose input is C x H x W, or flat for H = 0. */
static inline struct net net_new(int c, int h, int w)
{
    struct net net = {.arena = arena_new()};
    net.graph = graph_new(net.arena, "net");
    net.graph->input =
        graph_add_tensor(net.graph, TENSOR_INPUT, "input", true, h ? 3 : 1, (int[]){c, h, w});
    net.last = net.graph->output = net.graph->input;
    return net;
}

/* A graph whose first layer reads a trained tensor "x", so that its gradient by x is computed too.
 */
static inline struct net net_of_parameter(int c, int h, int w)
{
    struct net net = net_new(c, h, w);
    net.last =
        graph_add_tensor(net.graph, TENSOR_PARAMETER, "x", true, h ? 3 : 1, (int[]){c, h, w});
    net.last->init = LATHE_NORMAL;
    net.last->init_value = 1;
    return net;
}

/* A node that reads net->last, its attributes to be filled in; NAME NULL: "layer3". */
static inline struct node *net_node(struct net *net, enum op op, const char *name)
{
    const char *given = name ? name : arena_printf(net->arena, "layer%d", ++net->layers);
    struct node *node = graph_add_node(net->graph, op, given, nowhere_in_particular);
    node_add_input(node, net->last, net->graph);
    return node;
}

/* The shape rule of NODE; what comes next reads its output. */
static inline struct tensor *net_shape(struct net *net, struct node *node)
{
    op_table[node->op]->shape(net->graph, node);
    if (node->outputs[0] != net->graph->loss)
        net->last = net->graph->output = node->outputs[0];
    return node->outputs[0];
}

/* A layer without attributes. */
static inline struct tensor *net_plain(struct net *net, enum op op, const char *name)
{
    return net_shape(net, net_node(net, op, name));
}

/* A convolution with a square kernel and equal padding. */
static inline struct conv_attributes square_conv(int channels, int kernel, int stride, int pad)
{
    return (struct conv_attributes){channels, kernel, kernel, stride, stride, 1,    1,  1,
                                    pad,      pad,    pad,    pad,    false,  true, {0}};
}

static inline struct tensor *net_conv(struct net *net, struct conv_attributes conv,
                                      const char *name)
{
    struct node *node = net_node(net, OP_conv, name);
    node->conv = conv;
    return net_shape(net, node);
}

static inline struct tensor *net_linear(struct net *net, int units, bool bias, const char *name)
{
    struct node *node = net_node(net, OP_linear, name);
    node->linear.units = units;
    node->linear.bias = bias;
    return net_shape(net, node);
}

static inline struct tensor *net_batchnorm(struct net *net, const char *name)
{
    struct node *node = net_node(net, OP_batchnorm, name);
    node->batchnorm.eps = 1e-5;
    node->batchnorm.momentum = 0.1;
    return net_shape(net, node);
}

static inline struct tensor *net_curve(struct net *net, enum curve_kind kind, double parameter,
                                       const char *name)
{
    struct node *node = net_node(net, OP_curve, name);
    node->curve = arena_new_of(net->arena, struct curve);
    node->curve->kind = kind;
    node->curve->parameter[0] = parameter;
    return net_shape(net, node);
}

static inline struct tensor *net_pool(struct net *net, enum op op, struct pool_attributes pool,
                                      const char *name)
{
    struct node *node = net_node(net, op, name);
    node->pool = pool;
    return net_shape(net, node);
}

static inline struct tensor *net_dropout(struct net *net, double p, int layer)
{
    struct node *node = net_node(net, OP_dropout, NULL);
    node->dropout.p = p;
    node->dropout.layer = layer;
    return net_shape(net, node);
}

static inline struct tensor *net_add(struct net *net, struct tensor *x, struct tensor *y,
                                     const char *name)
{
    net->last = x;
    struct node *node = net_node(net, OP_add, name);
    node_add_input(node, y, net->graph);
    return net_shape(net, node);
}

static inline struct tensor *net_concat(struct net *net, struct tensor *const *parts, int count,
                                        const char *name)
{
    net->last = parts[0];
    struct node *node = net_node(net, OP_concat, name);
    for (int i = 1; i < count; i++)
        node_add_input(node, parts[i], net->graph);
    return net_shape(net, node);
}

static inline struct tensor *net_reshape(struct net *net, int c, int h, int w)
{
    struct node *node = net_node(net, OP_reshape, NULL);
    memcpy(node->reshape.dims, (int[]){c, h, w}, sizeof node->reshape.dims);
    return net_shape(net, node);
}

static inline struct tensor *net_learned(struct net *net, struct learned_attributes learned,
                                         const char *name)
{
    struct node *node = net_node(net, OP_learned, name);
    node->learned = learned;
    return net_shape(net, node);
}

static inline struct learned_attributes prelu_attributes(bool shared)
{
    return (struct learned_attributes){.kind = LEARNED_PRELU, .shared = shared, .initial = {0.25}};
}

static inline struct learned_attributes elu_attributes(bool shared)
{
    return (struct learned_attributes){.kind = LEARNED_ELU, .shared = shared, .initial = {0.8}};
}

static inline struct learned_attributes dynamic_attributes(double l, double q, double i, int power,
                                                           double z)
{
    return (struct learned_attributes){
        .kind = LEARNED_DYNAMIC, .shared = true, .initial = {l, q, i}, .power = power, .z = z};
}

/* A body that steps skip with probability P; OUTER: whose body it is in. Nodes join it by hand. */
static inline struct gate *net_gate(struct net *net, double p, struct gate *outer)
{
    struct gate *gate = arena_new_of(net->arena, struct gate);
    *gate = (struct gate){"gate", p, net->graph->gates.count, outer};
    vector_push(net->arena, &net->graph->gates, (const struct gate *)gate);
    return gate;
}

/* The end of GATE's body. */
static inline struct tensor *net_drop_path(struct net *net, struct gate *gate)
{
    struct node *node = net_node(net, OP_drop_path, NULL);
    node->gate = gate->outer;
    node->drop_path.gate = gate;
    return net_shape(net, node);
}

/* The loss OP on the last layer, tables, gradients. */
static inline void net_finish(struct net *net, enum op loss)
{
    net_plain(net, loss, "loss");
    tabulate_curves(net->graph);
    add_gradients(net->graph);
    graph_verify(net->graph);
}

#endif
