/*
 * ir: the graph. Operators on named tensors with logical shapes (N, C, H, W); the batch N is left
 * out everywhere. Training is the same graph with gradient nodes added by the grad pass.
 * Floor 1 of the generator: knows tensors and nodes, no operator's rules.
 */
#ifndef LATHE_IR_H
#define LATHE_IR_H

#include "base.h"
#include "curve.h"
#include "../runtime/lathe.h"

enum op {
#define OP(name, file) OP_##name,
#include "ops.def"
#undef OP
    OP_COUNT
};

enum tensor_kind {
    TENSOR_INPUT,      /* the network's input */
    TENSOR_ACTIVATION, /* what a node computes, a sample each (batched) */
    TENSOR_STATISTIC,  /* what a node computes once a batch: mean, inverse deviation, the loss */
    TENSOR_PARAMETER,  /* trained */
    TENSOR_BUFFER,     /* running statistics, tables of curves */
    TENSOR_GRADIENT    /* of another tensor, same dims and batched as it */
};

struct node;

struct tensor {
    const char
        *name; /* "residual1.conv2" (first output of that node), "conv1.weight", "conv1.grad" */
    int id;    /* place in graph.tensors */
    enum tensor_kind kind;
    bool batched;
    int rank; /* activations: 3 (C, H, W) or 1 (C, after flatten and linear) */
    int dims[4];
    struct node *producer;           /* NULL for input, parameters and buffers */
    VECTOR(struct node *) consumers; /* each node once a use */
    struct tensor *gradient;         /* set by the grad pass; NULL where none is needed */
    struct tensor *of;               /* TENSOR_GRADIENT: the tensor it is the gradient of */
    /* TENSOR_PARAMETER and BUFFER: how it is drawn */
    enum lathe_init init;
    double init_value;
    const float *init_list; /* LATHE_LISTED */
    int tie;                /* as in struct lathe_parameter, */
    double unit;            /* and this */
};

/* What the spec chose for a layer's weights; resolved to (init, value) by the shape rule, which
 * knows fan_in. PyTorch's default for conv and linear: U(+-1/sqrt(fan_in)), biases too. */
enum init_word {
    INIT_DEFAULT,
    INIT_UNIFORM, /* U(+-bound); bound 0: 1/sqrt(fan_in) */
    INIT_NORMAL,  /* normal, deviation as given; biases 0 */
    INIT_XAVIER,  /* normal, deviation 1/sqrt(fan_in); biases 0 */
    INIT_HE,      /* normal, deviation sqrt(2/fan_in); biases 0 */
    INIT_ZEROS    /* all 0, biases too */
};
struct init_choice {
    enum init_word word;
    double value; /* bound for INIT_UNIFORM, 0: from fan_in; deviation for INIT_NORMAL */
};

struct conv_attributes {
    int channels; /* output channels */
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, groups;
    int pad_top, pad_left, pad_bottom, pad_right; /* resolved by the shape rule where pad_same */
    bool pad_same; /* output = ceil(input / stride); extra pixel at bottom and right */
    bool bias;
    struct init_choice init;
};
struct pool_attributes {
    int kernel_h, kernel_w, stride_h, stride_w;
    int pad_top, pad_left, pad_bottom,
        pad_right; /* maxpool: padding never wins; avgpool: zeros that
                      count (count_include_pad, PyTorch's default) */
};

/* Activations whose parameters are trained, or read with the weights: op/learned.c. */
enum learned_kind { LEARNED_PRELU, LEARNED_ELU, LEARNED_DYNAMIC, LEARNED_TABLE };
struct learned_attributes {
    enum learned_kind kind;
    bool shared;        /* one number of each parameter for all channels */
    double initial[3];  /* of weight; or of L, Q, I */
    int power;          /* dynamic: P */
    double z;           /* dynamic: Z */
    int pieces;         /* table: of one that fills it */
    const float *table; /* table: the first, 3 x pieces; see curve_pack_table */
};

/* Stochastic depth: a residual's body, which each training step skips with probability p. */
struct gate {
    const char *name; /* of the residual */
    double p;
    int number;               /* keys its random stream */
    const struct gate *outer; /* whose body this residual is in; NULL: none */
};

struct node {
    enum op op;
    bool backward;           /* the gradient node of FORWARD */
    struct node *forward;    /* of a gradient node: the node it differentiates */
    const struct gate *gate; /* the innermost body that the node is in; NULL: always computed */
    const char *name;        /* "block2.conv" (named) or "residual1.conv2" (by kind and place) */
    struct where where;
    int input_count, output_count;
    struct tensor **inputs;  /* see each operator's file for their order */
    struct tensor **outputs; /* backward: gradients of forward->inputs, NULL: not needed */
    int input_room, output_room;
    union {
        struct conv_attributes conv;
        struct {
            int units;
            bool bias;
            struct init_choice init;
        } linear;
        struct {
            double eps, momentum;
        } batchnorm;
        struct {
            double smoothing; /* of cross_entropy */
        } loss;
        struct curve *curve;
        struct learned_attributes learned;
        struct {
            int pieces; /* k */
        } dynamic_relu;
        struct pool_attributes pool;
        struct {
            int dims[3];
        } reshape;
        struct {
            const struct gate *gate; /* whose body ends here; the node itself is outside */
        } drop_path;
        struct {
            int size; /* channels */
            double alpha, beta, k;
        } lrn;
        struct {
            double p;
            int layer; /* number of this dropout in the graph, keys its random stream */
        } dropout;
    };
};

/*
 * Inputs of a backward node: forward->inputs, then forward->outputs, then the gradient of
 * forward->outputs[0] (none for a loss: it is 1). Its outputs: the gradients of forward->inputs in
 * their order, NULL where none is needed (the network's input, buffers).
 */

struct graph {
    struct arena *arena;
    const char *name;
    VECTOR(struct node *) nodes; /* in an order of evaluation: forward, loss, backward */
    VECTOR(struct tensor *) tensors;
    VECTOR(const struct gate *) gates; /* each after its outer one */
    struct tensor *input;
    struct tensor *output; /* what infer writes */
    struct tensor *loss;   /* NULL before the loss node was added */
    bool training;         /* gradient nodes were added */
};

struct graph *graph_new(struct arena *arena, const char *name);
/* A tensor that nothing produces yet; NAME is copied. */
struct tensor *graph_add_tensor(struct graph *graph, enum tensor_kind kind, const char *name,
                                bool batched, int rank, const int *dims);
/* Take TENSOR, which nothing produces or reads any more, out of GRAPH; ids after it move down. */
void graph_remove_tensor(struct graph *graph, const struct tensor *tensor);
/* A node without inputs or outputs at the end of the order; NAME is copied. */
struct node *graph_add_node(struct graph *graph, enum op op, const char *name, struct where where);
/* Forget NODE's last input, and NODE among its consumers; returns it. */
struct tensor *node_drop_input(struct node *node);
/* Append TENSOR to NODE's inputs (and NODE to its consumers), or outputs (and NODE its producer). A
 * NULL output keeps its place. */
void node_add_input(struct node *node, struct tensor *tensor, struct graph *graph);
void node_add_output(struct node *node, struct tensor *tensor, struct graph *graph);

size_t tensor_elements(const struct tensor *tensor); /* without the batch */
static inline int tensor_c(const struct tensor *t)
{
    return t->dims[0];
}
static inline int tensor_h(const struct tensor *t)
{
    return t->rank == 3 ? t->dims[1] : 1;
}
static inline int tensor_w(const struct tensor *t)
{
    return t->rank == 3 ? t->dims[2] : 1;
}
char *tensor_shape_text(struct arena *arena, const struct tensor *tensor); /* "128x4x4" */

/* The body that TENSOR is computed in. */
static inline const struct gate *tensor_gate(const struct tensor *tensor)
{
    return tensor->producer ? tensor->producer->gate : NULL;
}

/* GRAPH's output are probabilities: it went through softmax, or through the sigmoid whose input bce
 * takes. */
bool graph_gives_probabilities(const struct graph *graph);

const char *op_name(enum op op);

/* Structure is sound: order, producers, consumers, counts; a violation is a bug of lathe. */
void graph_verify(const struct graph *graph);
/* One node a line: "residual1.conv1 = conv(maxpool1, residual1.conv1.weight, ...) 128x16x16". */
void graph_print(const struct graph *graph, struct text *out);

/* ---- a network: the graph and what the spec says about data and training ---- */

struct network {
    struct arena *arena;
    struct graph *graph;   /* forward and loss, shapes not yet inferred */
    const char *name;      /* a C identifier: [a-z][a-z0-9_]*, from the spec's name with - as _ */
    const char *spec_path; /* as given, relative */
    double seconds;        /* of processor time that it has taken so far: see watchdog.h */
    char digest[65];       /* sha256 of spec, options and fit files, hex */
    VECTOR(const char *) options; /* names of the spec's options, in alphabetical order */
    struct lathe_data data;
    bool has_data, has_training;
    enum lathe_loss loss;
    double smoothing; /* of cross_entropy */
    struct lathe_training training;
};

#endif
