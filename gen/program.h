/*
 * program: what fusion, layout, lowering and planning make of a graph, and what emission prints.
 *
 *     graph --fuse--> groups --lower--> calls on regions --plan--> offsets --emit--> C
 *
 * A group is a set of nodes that run as one. A call is one kernel applied to operands. A region is
 * a stretch of memory. Emission renders each call's kernel through its template (once a signature)
 * and prints the call with its operands. Floor 2 of the generator.
 */
#ifndef LATHE_PROGRAM_H
#define LATHE_PROGRAM_H

#include "ir.h"
#include "isa.h"

/* ---- groups ---- */

enum group_kind {
    GROUP_CHAIN,   /* [conv or linear] then steps, then [pool] */
    GROUP_POOL,    /* a pool that overlaps, is padded or global: on its own */
    GROUP_SOFTMAX, /* softmax that is no part of the loss */
    GROUP_RESHAPE, /* reshape or flatten that moves numbers: see node_renames */
    GROUP_LRN,
    GROUP_CONCAT, /* copies what does not stand in the result already */
    GROUP_DYNAMIC_RELU,
    GROUP_LOSS
};

struct group {
    enum group_kind kind;
    const char *name;  /* of its first node */
    struct node *head; /* conv or linear that starts a chain; loss, softmax ...; or NULL */
    VECTOR(struct node *)
    steps;                 /* element-wise: batchnorm (at most one), add, curve, learned, dropout */
    int norm;              /* place of the batchnorm in steps; -1: none */
    struct node *pool;     /* chain: windows that tile the image; pool: the pool */
    struct tensor *input;  /* of the group */
    struct tensor *raw;    /* what the steps start from: head's output, or input */
    struct tensor *output; /* NULL: loss */
    const struct gate *gate; /* training: the body that it is in; NULL: none */
    struct group *before; /* inference: steps alone, which only this group's head reads; or NULL */
};

struct groups {
    VECTOR(struct group *) list;
};

/* layout.c: NODE gives its input another name and computes nothing: dropout outside training,
 * reshape and flatten where each channel keeps its numbers, and flatten where linear layers alone
 * read its output (their weights are packed as the image lies). Other reshapes move numbers, and so
 * do those that start the body of a gate. */
bool node_renames(const struct node *node, bool training);
/* NODE was added by the grad pass to sum the gradients of a tensor that is used more than once. */
static inline bool node_sums_gradients(const struct node *node)
{
    return node->op == OP_add && !node->backward && node->outputs[0]->kind == TENSOR_GRADIENT;
}

/* The other operand of an add node in a chain whose value is IN. */
static inline struct tensor *add_other(const struct node *add, const struct tensor *in)
{
    return add->inputs[0] == in ? add->inputs[1] : add->inputs[0];
}

/* fuse.c: group the forward nodes of GRAPH that its output (or, training, its loss) needs. */
struct groups *fuse(struct graph *graph, bool training);
void groups_print(const struct groups *groups, struct text *out);

/* ---- values: what templates see ---- */

/* A tree of named numbers, texts, curves and lists, made in C and read by templates. */
struct value;
struct value *value_table(struct arena *arena);
void value_int(struct value *table, const char *name, long long number);
void value_real(struct value *table, const char *name, double number);
void value_text(struct value *table, const char *name, const char *text);
void value_flag(struct value *table, const char *name, bool flag);
/* The name of CURVE's functions, which emission prints beforehand. */
void value_curve(struct value *table, const char *name, const struct curve *curve,
                 const char *node_name);
/* A nested table; NAME NULL appends it to the list part. */
void value_child(struct value *table, const char *name, struct value *child);

enum value_kind { VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_FLAG, VALUE_CURVE, VALUE_TABLE };
struct field {
    const char *name; /* NULL: an item of the list part */
    enum value_kind kind;
    union {
        long long integer;
        double real;
        const char *text;
        bool flag;
        struct {
            const struct curve *curve;
            const char *node_name;
        } curve;
        struct value *table;
    };
};
struct value {
    struct arena *arena;
    VECTOR(struct field) fields;
};

/* The variable of the generated step that says whether GATE's body is kept. */
static inline const char *gate_variable(struct arena *arena, const struct gate *gate)
{
    return arena_printf(arena, "kept%d", gate->number + 1);
}

/* ---- layout ---- */

/* Where a tensor's numbers stand. What is concatenated stands in the result's memory, and its
 * gradient in the result's gradient, where its channels begin and end with a block:
 *
 *     a sample of concat1    | conv1         | conv2         |      root: concat1
 *     blocks of channels     | 0   1   2   3 | 4   5   6   7 |      conv2: first_block 4
 */
struct layout {
    int block;   /* 1: (N, C, H, W); V: (N, C/V, H, W, V), channels padded to V with zeros */
    int samples; /* of an image, in its lanes: 1; or V: (N/V, C, H, W, V), see lower_samples.c */
    int c, h, w; /* as stored: of the tensor that flatten only renames */
    struct tensor *root; /* the tensor that owns the memory */
    int first_block;     /* in a sample of root */
};

/* ---- regions ---- */

enum space {
    SPACE_CALLER,   /* the caller's arrays: input, output */
    SPACE_WEIGHTS,  /* inference: folded, packed weights at the start of the arena */
    SPACE_STATE,    /* training: [trainable | running statistics] */
    SPACE_GRADIENT, /* training: parallel to the trainable part of the state */
    SPACE_WORK,     /* activations, their gradients, statistics, partial sums: planned */
    SPACE_COUNT
};

/* Memory; or a slice of such, channels of each sample, whose lifetime is the whole's. */
struct region {
    const char *name; /* "residual1.conv2"; printed as an identifier */
    enum space space;
    size_t floats;               /* whole size, for the largest batch */
    int first, last;             /* calls that use it, by index; -1: none yet */
    size_t offset;               /* floats from the start of the arena */
    const struct tensor *tensor; /* what it holds; NULL: partial sums, repacked weights */
    struct layout layout;        /* of that tensor */
    const char *note;            /* shape, for the map of regions */
    size_t image;                /* floats from an image to the next; 0: it holds no samples */
    struct region *whole;        /* of a slice; NULL: this is no slice */
    size_t start;                /* of a slice: floats into a sample of whole */
};

/* ---- calls ---- */

struct operand {
    const char *name;      /* the kernel's parameter */
    const char *type;      /* of the parameter, with the blank or star that ends it */
    struct region *region; /* NULL: `text` is the argument */
    const char *text;
    bool writes; /* the kernel writes it */
    bool outer;  /* the kernel's inner functions do without it */
};

struct call {
    const char *template_name; /* "conv.c.t" */
    const char *kernel_name;   /* what to call the function: "conv3x3_64x32x32_to_128" */
    const char *label; /* "backward data"; of what only prepares or ends it, after a comma */
    const struct group *group; /* NULL: none (input, output) */
    const struct gate *gate;   /* it runs in steps that keep this body; NULL: in all */
    const struct gate *unless; /* and skip this one; NULL: none */
    struct value *arguments;
    VECTOR(struct operand) operands;
    double flops, bytes; /* a sample; bytes of activations read and written */
    bool winograd;       /* F(4, 3), or its gradient: lathe_cost's */
    bool repeatable;     /* element-wise steps from one region to another: see recompute.c */
};

/* The bytes of a call's operands, each once: those that hold samples, a sample, and the others. */
struct traffic {
    double sample_bytes, fixed_bytes;
};
struct traffic call_traffic(const struct call *call);

/* What load does for one weight of an inference program: fold bias and batch norm, pack. */
struct load {
    int weight, bias,
        norm; /* indices of parameters; -1: none; norm: gamma, the three others follow */
    double eps;
    struct region *packed, *packed_bias; /* packed NULL: a batchnorm alone, or a vector */
    struct region *mean, *scale, *shift;
    struct region *packed_vector; /* parameter `vector` as it is; NULL: none */
    int vector;
};

struct program {
    struct arena *arena;
    struct graph *graph;
    const struct isa *isa;
    int batch; /* samples a call takes at most */
    bool training;
    bool keep; /* nothing shares memory: for verify */
    struct groups *groups;
    VECTOR(struct call *) calls;
    VECTOR(struct region *) regions;
    VECTOR(struct load) loads;
    VECTOR(struct call *) prepares;       /* made when weights are loaded, after the loads */
    size_t space_offset[SPACE_COUNT + 1]; /* floats; [SPACE_COUNT]: size of the arena */
    struct lathe_parameter *parameters;   /* packed as this ISA's kernels want them */
    struct tensor **parameter_tensors;    /* parallel */
    int parameter_count;
    size_t trainable_floats, state_floats;
    int shapes_block; /* channel block V */
    int team_from;    /* samples from which on a call is worth more than one thread */
};

/* How convolutions are computed that Winograd's method (gen/winograd.h) is for, or pixels in lanes
 * (lower_lanes.c), or in training samples in lanes (lower_samples.c). */
enum conv_method { CONV_BY_COST, CONV_DIRECT, CONV_WINOGRAD, CONV_LANES, CONV_SAMPLES };

struct lower_options {
    const struct isa *isa;
    int batch;         /* samples a call takes at most */
    int typical_batch; /* for which costs are compared; 0: batch */
    bool training;
    bool keep; /* nothing shares memory: for verify */
    enum conv_method method;
};

/* lower*.c: groups to calls on regions. */
struct program *lower(struct arena *arena, struct graph *graph, struct groups *groups,
                      const struct lower_options *options);

/* recompute.c: let the backward pass of PROGRAM compute again what need not be kept, where that
 * makes its work space smaller; ALWAYS: wherever it can, for tests. */
void recompute(struct program *program, bool always);

/* plan.c: give every region its offset; regions of SPACE_WORK whose uses do not overlap share. */
void plan_memory(struct program *program);
/* team.c: choose team_from, which is 0 without it: every call is worth all threads. */
void choose_team(struct program *program);
void program_print(const struct program *program, struct text *out);

/* layout.c: input INPUT of the node CONCAT begins and ends with a block of LANES channels (the last
 * may end within one), so that it can be a slice of the result; and is of the same body. *first:
 * its first channel there. */
bool concat_aligned(const struct node *concat, int input, int lanes, int *first);

/* layout.c: an array by tensor id, for all batched tensors of GRAPH. The input stays (N, C, H, W)
 * where convolutions and linear layers alone read it. BY_SAMPLE, by tensor id: activations that
 * have samples in the lanes, from the input to what a flatten reads; NULL: none. */
struct layout *choose_layout(struct arena *arena, const struct graph *graph, int lanes,
                             bool training, const bool *by_sample);
/* Blocks of an image: of V channels, or a channel of V samples. */
static inline int layout_blocks(const struct layout *l)
{
    return l->samples > 1 ? l->c : divide_up(l->c, l->block);
}
/* Of an image, and of a sample. */
static inline size_t layout_image(const struct layout *l)
{
    return (size_t)layout_blocks(l) * l->block * l->h * l->w;
}
static inline size_t layout_floats(const struct layout *l)
{
    return layout_image(l) / (size_t)l->samples;
}

#endif
