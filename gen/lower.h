/*
 * lower: what the files of the lowering share. Floor 2; included by lower*.c alone.
 */
#ifndef LATHE_LOWER_H
#define LATHE_LOWER_H

#include "program.h"
#include "winograd.h"

/* A gradient that a body's group writes and others outside of it read: where the body is skipped,
 * TO becomes FROM (NULL: 0). */
struct skipped {
    const struct tensor *partial;
    struct region *to, *from;
};

struct lowering {
    struct arena *arena;
    struct program *program;
    struct graph *graph;
    struct layout *layouts;       /* by tensor id */
    struct region **of_tensor;    /* by id of a root: region of activations, gradients; or NULL */
    struct region **slices;       /* by tensor id: of what is a slice of its root */
    struct region **of_parameter; /* by tensor id: packed parameter (state, or folded weights) */
    struct region **of_gradient;  /* by tensor id of the parameter: its packed gradient */
    struct region **of_stride;    /* by id of a head's output: its input's pixels, side by side */
    int *parameter_index;         /* by tensor id */
    const struct tensor *samples_end; /* the last that has samples in lanes; NULL: none has */
    bool *there;                      /* by tensor id: this gradient has been written */
    const struct group *group;        /* whose backward pass is under way; NULL: none */
    VECTOR(struct skipped) skipped;
    int lanes, batch, typical_batch;
    bool training;
    enum conv_method method;
};

/* ---- regions and operands ---- */

/* A region NAME of SPACE, FLOATS numbers; NOTE is printed beside it. */
struct region *add_region(struct lowering *l, enum space space, const char *name, size_t floats,
                          const char *note);
/* The region that holds TENSOR: its root's, shared with what renames it, or a slice of that. Its
 * samples are `image` floats apart, whatever TENSOR's own shape is. */
struct region *region_of(struct lowering *l, const struct tensor *tensor);
/* A region of SPACE_WORK that holds no tensor: FLOATS numbers. */
struct region *scratch(struct lowering *l, const char *name, size_t floats, const char *note);

/* Inference: FLOATS numbers "OWNER.SUFFIX" that load writes. */
struct region *weights_region(struct lowering *l, const char *owner, const char *suffix,
                              size_t floats);

/* CALL, the last, is made once when weights are loaded; no call before it has used its regions. */
void prepare_call(struct lowering *l, struct call *call);

struct call *add_call(struct lowering *l, const struct group *group, const char *template_name,
                      const char *kernel_name, const char *label);
/* An operand NAME of CALL that the kernel reads, writes; templates see REGION's image as
 * NAME_image. */
void read_operand(struct lowering *l, struct call *call, const char *name, struct region *region);
void write_operand(struct lowering *l, struct call *call, const char *name, struct region *region);
void text_operand(struct lowering *l, struct call *call, const char *type, const char *name,
                  const char *text);
/* "int count" of images and, where the steps drop out, "uint64_t seed, uint64_t step": the last
 * operands. */
void count_operand(struct lowering *l, struct call *call);
/* "int count" of samples, even where CALL's group has them in lanes. */
void samples_operand(struct lowering *l, struct call *call);
void random_operands(struct lowering *l, struct call *call);

/* CALL's operands lie in one region, whose parts the kernel keeps apart: none is restrict. */
void shared_operands(struct call *call);

/* The last COUNT operands of CALL are not for the kernel's inner functions. */
void outer_operands(struct call *call, int count);

static inline const struct layout *layout_of(const struct lowering *l, const struct tensor *tensor)
{
    return &l->layouts[tensor->id];
}
/* Images of the largest batch. */
int images_of(const struct lowering *l, const struct layout *layout);

/* ---- parameters ---- */

/* What a group's batchnorm needs at run time: regions of C (padded) floats each. */
struct norm_regions {
    struct region *mean, *invstd, *scale, *beta; /* forward; scale = gamma * invstd */
    struct region *mean_g, *mean_gx;             /* backward: means of g and g * xhat */
};

/* Describe all parameters; trained ones first in the state block, running statistics behind. */
void list_parameters(struct lowering *l);
/* Regions of the state and gradient blocks, whose offsets the parameters fix. */
void add_state_regions(struct lowering *l);
/* What load makes for GROUP: folded weights and bias, and mean, scale and shift of a batchnorm that
 * can't be folded, which NORM then has. */
void load_group(struct lowering *l, const struct group *group, struct norm_regions *norm);

/* ---- steps ---- */

/* Append to the template's list NAME the steps [FIRST, END) of GROUP, and their operands to CALL.
 * Backward: reversed, with slopes instead of values; SIDES: adds write their other gradient. */
void add_steps(struct lowering *l, struct call *call, const char *list, const struct group *group,
               int first, int end, const struct norm_regions *norm);
/* The steps of GROUP that its pool must follow; those behind it may, and then do: curves that
 * never fall, behind a maximum, have fewer numbers there and the same result. */
int steps_before_pool(const struct group *group);
/* Whether the steps [first, end) of GROUP need random numbers. */
bool steps_are_random(const struct lowering *l, const struct group *group, int first, int end);

/* ---- activations with trained parameters ---- */

/* Partial sums of a pass over a group's steps: a row of V floats a sample, channel block and sum.
 * What has one pixel a channel is a row of such sums itself. */
struct sums {
    struct region *region; /* NULL: no rows */
    int rows;
};

/* Parameters of the node LEARNED that have gradients. */
int trained_parameters(const struct node *learned);
/* Step NUMBER, the learned NODE: the name of its functions, its parameters as operands of CALL. */
void add_learned_step(struct lowering *l, struct call *call, struct value *step,
                      const struct node *node, int number);
/* Inference: the parameters of GROUP's learned steps are packed when weights are loaded. */
void load_learned(struct lowering *l, const struct group *group);
/* The gradient of VECTOR, a NAME ("bias") of a number a channel or of one for all: from ROW of
 * SUMS. */
void lower_vector_gradient(struct lowering *l, const struct group *group, const char *name,
                           const struct sums *sums, int row, const struct tensor *vector);

void lower_dynamic_relu(struct lowering *l, const struct group *group);
void lower_dynamic_relu_backward(struct lowering *l, const struct group *group);

/* ---- convolution and linear ---- */

/* A head as kernels see it. A linear layer is a 1 x 1 convolution of one block of all its inputs.
 *
 * Groups: where whole blocks are spans of channels, each is a dense convolution of its own. Else
 * narrow groups (window > 0): a block of output channels reads `window` blocks of input channels,
 * permuted so that each lane meets the i-th channel of its own group, for each of i < group_in.
 * Where that costs more, the dense kernel also computes the zeros between groups.
 *
 * Samples in lanes: a block is one channel of V samples; the weight, packed for blocks of channels,
 * is read number by number. */
struct geometry {
    int in_c, in_h, in_w, in_block, in_blocks; /* in_blocks: of one span, or the window */
    int out_c, out_h, out_w, out_blocks;       /* out_blocks: of all spans */
    int spans, groups, window;
    int group_in, group_out; /* channels of a group */
    int image_blocks;        /* of the whole input */
    int weight_rows;         /* vectors of weights a tap and block: in_block; narrow: group_in */
    int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
    int samples;       /* in lanes: 1 or V; V: */
    int packed_in;     /* blocks of input channels that the weight is packed in */
    bool is_exchanged; /* the weight's input channels are the kernel's output */
    double flops;      /* multiply-adds times 2, a sample, without the padding's */
    /* packed (see lower_packed.c): the rest is of a matrix product's pixels, and those are OUT_W a
     * row, STRIDE apart, of IN_H x IN_W */
    bool packed;
    struct {
        int in_h, in_w, out_w, stride_h, stride_w;
    } source;
    int grid_w; /* packed backward data of a stride: pixels of a row of the grid that is written */
};
struct geometry head_geometry(const struct lowering *l, const struct node *head);
/* G with input and output exchanged: what backward data convolves is dy, what it makes is dx. */
struct geometry exchanged_geometry(const struct lowering *l, const struct geometry *g);

/* Packing of HEAD's weight as its kernels want it: out, in, kh, kw, groups, spans and blocks. */
void pack_head_weight(const struct lowering *l, const struct node *head,
                      struct lathe_parameter *parameter);

/* The first part of a kernel's name: "conv3x3_64x32x32_to_128x32x32_" and WHAT. */
const char *geometry_name(const struct lowering *l, const struct geometry *g, const char *what);

/* One direction (height or width) of the kernel's formula. */
struct axis {
    int in, out, full; /* sizes: input, grid, output tensor */
    int out_step, out_first, in_step;
    int taps, first, step;   /* input place of tap 0, distance of taps */
    int tap_first, tap_step; /* which weight tap 0 is, and the next */
};
/* Both directions of G's forward formula (lower_conv.c), and one as template arguments IN_H ... */
void forward_axes(const struct geometry *g, struct axis *h, struct axis *w);
/* Likewise of a phase of G's backward data: of the places (PHASE_H, PHASE_W) from each other a
 * stride away. */
void backward_axes(const struct geometry *g, int phase_h, int phase_w, struct axis *h,
                   struct axis *w);
/* Pairs of output place and tap whose pixel lies inside the image. */
double axis_pairs(const struct axis *axis);
void add_axis(const struct lowering *l, struct value *a, const char *letter,
              const struct axis *axis);

/* Accumulators that fit beside G's weights of K blocks and one pixel; blocks of output channels
 * that a tile takes. */
int accumulators(const struct lowering *l, const struct geometry *g, int k);
/* Pixels of a tile of K blocks at most, in rows of WIDTH pixels. */
int choose_most_pixels(const struct lowering *l, const struct geometry *g, int k, int width);
int choose_k_tile(const struct geometry *g);
/* Whether a tile of K blocks meets all taps of a row with a pixel once it has that: where K is 1,
 * one tap would load as much as it multiplies. */
bool meets_rows(const struct lowering *l, const struct geometry *g, int k);
/* Whether a pixel's block of channels is less than a line of the caches: its neighbours come with
 * it, wanted or not. */
bool shares_lines(const struct lowering *l);
enum { CACHE_LINE = 16 }; /* floats */
/* Sums that hide a multiply-add's latency. */
enum { LATENCY_SUMS = 8 };
/* Whether G has one tap, several pixels, and blocks of input channels. */
bool is_pointwise(const struct lowering *l, const struct geometry *g);
/* The blocks that a tile of a direct forward or backward data kernel takes: MATRIX_TILE where G is
 * pointwise and there are registers for that. */
enum { MATRIX_TILE = 4 };
int choose_direct_tile(const struct lowering *l, const struct geometry *g);

/* Width of equal tiles of a row, at most MOST pixels, rather than a narrow last one; images that a
 * tile takes where rows are narrow. */
int choose_columns(int width, int most);
int choose_images(const struct lowering *l, int width, int most);
/* G, or where it is a product of matrices (1 x 1, stride 1, no padding), with its pixels in rows of
 * another width if that fills tiles better. */
struct geometry matrix_geometry(const struct lowering *l, const struct geometry *g);
/* G, such a product, with its pixels in rows of another width, MOST at most, if that fills tiles
 * better. */
struct geometry in_rows(const struct lowering *l, const struct geometry *g, int most);
/* How well the tiles of rows of WIDTH pixels do: the share of a tile's sums that they use. */
double tile_speed(const struct lowering *l, const struct geometry *g, int width);
/* A row of WIDTH pixels in tiles of TILE columns and what remains; or with the last NARROW of them
 * STEP columns less each, where a rest of fewer than LEAST columns would take as long as that many.
 * STEP is 1 where tiles can't be so many columns less. */
struct row {
    int width, tile, narrow, step;
};
struct row divide_row(int width, int tile, int least, int step);
/* Template list "segments", the tiles of ROW: edge tiles, whose outer taps leave the image, one by
 * one; the others in a loop. */
void add_segments(const struct lowering *l, struct value *arguments, const struct axis *w,
                  const struct row *row);
/* Template list "tiles", the distinct tiles: MOST_IMAGES or one image x the columns of ROW's; and
 * the pixels that their taps reach over. */
void add_tile_shapes(const struct lowering *l, struct value *arguments, const struct axis *w,
                     int most_images, const struct row *row);

/* A call writes FLOATS, so many that the first have left the caches before they are read: they are
 * stored past the caches (lathe_stream), which spares reading what was there. */
bool leaves_caches(const struct lowering *l, double floats);

/* Floats of the images whose every pixel, or phase of them, a kernel on H and W writes. */
double written_floats(const struct lowering *l, const struct geometry *g, const struct axis *h,
                      const struct axis *w);

/* Cost of a call a sample: FLOPS, and the bytes of G's input and of OUT. */
void add_costs(const struct lowering *l, struct call *call, const struct geometry *g, double flops,
               const struct tensor *out);
enum { ITEMS = 16 }; /* pieces of work that keep some threads busy */

/* G's groups as narrow kernels need them: GROUP_IN, GROUP_OUT ... */
void add_groups(const struct lowering *l, struct value *a, const struct geometry *g);

/* Whether inference by G has all sums of half an image in registers (conv_whole.c.t), and so few
 * images that they would not use weights again while those are in the cache. */
bool fits_registers(const struct lowering *l, const struct geometry *g);
/* NORM: of GROUP's batchnorm; BEFORE: of that among the steps before it. */
struct call *lower_conv_inference(struct lowering *l, const struct group *group,
                                  const struct norm_regions *norm,
                                  const struct norm_regions *before);
struct call *lower_conv_training(struct lowering *l, const struct group *group,
                                 struct region *moments);
/* Partial moments that lower_conv_training's kernel writes: how many, samples and rows of one, and
 * the height and width of what the rows are of. */
struct partials {
    int count, images, chunks, chunk_rows, h, w;
};
struct partials conv_partials(const struct lowering *l, const struct group *group);
void lower_conv_weights(struct lowering *l, const struct group *group, struct region *dy);
/* Where SPLITS of the batch leave their parts of GRADIENT: there, if it is one. */
struct region *partial_gradients(struct lowering *l, const struct group *group,
                                 struct region *gradient, int splits);
/* GRADIENT from those parts, of SPLIT_IMAGES samples each. */
void sum_partials(struct lowering *l, const struct group *group, struct region *partial,
                  struct region *gradient, int splits, int split_images);
/* The gradient of GROUP's weight, if its head is linear, reads blocks of V numbers and has many
 * outputs. */
bool lower_linear_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                          struct region *dy, struct region *gradient);
void lower_conv_data(struct lowering *l, const struct group *group, struct region *dy,
                     struct region *dx, struct region *accumulate);

/* ---- 1 x 1 convolutions with a stride ---- */

/* HEAD's geometry for the convolution and for its weights' gradient: of stride 1 where the pixels
 * that a stride meets are copied side by side; and the input that they read, which the first call
 * copies. */
struct geometry dense_geometry(const struct lowering *l, const struct node *head);
struct region *dense_input(struct lowering *l, const struct group *group);

/* ---- 1 x 1 convolutions whose pixels are copied tile by tile ---- */

/* Whether a kernel of geometry G is better made so, or can be where that is WORTH it anyway (steps
 * before it are made on the way); then *PACKED is its geometry. POOL_ROWS: of the windows of a pool
 * that follows; 0: no pool, and pixels may come in rows of another width. */
bool choose_packed(const struct lowering *l, const struct geometry *g, bool worth, int pool_rows,
                   struct geometry *packed);
/* Rows of an item of G, which is packed; and where in the input G's pixels are. */
int packed_rows(const struct lowering *l, const struct geometry *g);
void add_packed(struct value *a, const struct geometry *g);
/* The template's list of the steps that a packed pixel goes through: those of BEFORE, whose
 * batchnorm is NORM; NULL: none. */
void add_before(struct lowering *l, struct call *call, const struct group *before,
                const struct norm_regions *norm);
/* For backward data: IMAGE's geometry, in rows of another width where that is better, and that with
 * the roles of input and output exchanged, which may be packed, in *B. GRID: all that a stride
 * leaves to compute is the grid of places that its only tap meets. */
struct geometry data_geometry(const struct lowering *l, const struct geometry *image, bool grid,
                              struct geometry *b);

/* ---- convolution to few channels: pixels of a row in the lanes ---- */

struct pixel_lanes {
    int columns;    /* of a tile */
    int chunk_rows; /* of an item */
};
/* Whether the formula of H and W to G's few output channels is better computed so, and how: items
 * are of a multiple of ROW_MULTIPLE rows, or of whole images. */
bool choose_pixel_lanes(const struct lowering *l, const struct geometry *g, const struct axis *h,
                        const struct axis *w, int row_multiple, struct pixel_lanes *p);
/* Sizes of the padded copy of an item of CHUNK_ROWS rows, and what tiles of COLUMNS need. */
void add_pixel_lanes(const struct lowering *l, struct value *a, const struct geometry *g,
                     const struct axis *h, const struct axis *w, int columns, int chunk_rows);
/* The gradient of GROUP's weight so, if that is cheaper; DY: of the output. */
bool lower_lanes_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                         struct region *dy, struct region *gradient);

/* Rows of G's output whose pixels' padded copy (padded.c.t) fits the stack, and its sizes for
 * CHUNK_ROWS of them; 0: not one. */
int choose_padded_rows(const struct lowering *l, const struct geometry *g, const struct axis *h,
                       const struct axis *w);
void add_padded(const struct lowering *l, struct value *a, const struct geometry *g,
                const struct axis *h, const struct axis *w, int chunk_rows);
/* The gradient of GROUP's weight where all taps' sums fit the registers: see lower_planar.c. */
bool lower_planar_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                          struct region *dy, struct region *gradient);

/* ---- samples in lanes: see lower_samples.c ---- */

/* By tensor id: activations between the input and a flatten that are to have samples in lanes; and
 * their last, *END. NULL: none. l->layouts is without. */
const bool *choose_samples(const struct lowering *l, const struct tensor **end);
/* G of a convolution in such a chain, from G as it is without. */
struct geometry samples_geometry(const struct lowering *l, const struct node *head,
                                 const struct geometry *g);
struct samples_tiles {
    int k, columns; /* output channels x pixels in registers */
    int chunk_rows; /* of an item */
};
struct samples_tiles choose_samples_tiles(const struct lowering *l, const struct geometry *g,
                                          const struct axis *h, const struct axis *w,
                                          int row_multiple);
void add_samples(struct value *a, const struct geometry *g);
void lower_samples_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                           struct region *dy, struct region *gradient);
/* The caller's input to lanes; what the chain's last GROUP makes, or its gradient, from lanes to
 * blocks of channels and back. */
void lower_samples_input(struct lowering *l);
void lower_samples_end(struct lowering *l, const struct group *group, bool backward);

/* ---- Winograd's convolution ---- */

/* Tiles of each of an item's images, in groups that registers hold. */
struct tile_shape {
    int rows, columns;
    int tile, groups, narrow; /* of so many tiles in an item; the last of them of one less */
};

struct winograd_plan {
    int m, r, stride; /* tiles are of M x M pixels, filters of R x R taps */
    bool folded;      /* stride 2: every second pixel of every second row is a channel of its own */
    int tiles_h, tiles_w;                 /* of an image */
    int item_images, chunk_tiles, chunks; /* a piece of work: images x rows of tiles */
    int chunk_rows;                       /* of pixels */
    int k_tile;                           /* blocks of output channels in registers */
    struct tile_shape shapes[4]; /* which of the tiles positions have: all; without the last column;
                                    without the last row; without both. Those that there are: */
    int shape_count, column_shapes; /* in all, and with all rows */
    unsigned rows_needed;           /* bit i: the last row of tiles needs the i-th positions, */
    unsigned columns_needed;        /* the last column likewise */
    int k_chunk;                    /* blocks whose sums are kept at once */
    bool phases; /* all tiles of the batch at once, so that weights are read once; items are images
                    whose sums are transformed back together */
    int slots;   /* threads that have scratch memory */
    bool shares; /* an item is k_chunk blocks of output channels alone */
};
/* Whether the formula of H and W is computed by Winograd's method, and how: items are of a multiple
 * of ROW_MULTIPLE rows, or of whole images. */
bool choose_winograd(const struct lowering *l, const struct geometry *g, const struct axis *h,
                     const struct axis *w, int row_multiple, struct winograd_plan *plan);
/* The call WHAT (and before it, the one that transforms the weights) up to what the template's
 * epilogue needs. */
struct call *start_winograd(struct lowering *l, const struct group *group, const char *what,
                            const char *label, const struct geometry *g, const struct axis *h,
                            const struct axis *w, const struct winograd_plan *p, struct region *in,
                            struct region *weight);

/* The gradient of GROUP's weight by Winograd's method, if it is the one for this; DY: of the
 * output. */
bool lower_winograd_weights(struct lowering *l, const struct group *group, const struct geometry *g,
                            struct region *dy, struct region *gradient);
/* Append to TRANSFORMS a function NAME that multiplies by MATRIX. */
void add_transform(const struct lowering *l, struct value *transforms, const char *name,
                   const struct winograd_matrix *matrix);

/* ---- chains ---- */

void lower_chain_forward(struct lowering *l, const struct group *group,
                         const struct norm_regions *norm);
/* Statistics of GROUP's batchnorm from partial moments; returns its regions. */
struct norm_regions lower_norm(struct lowering *l, const struct group *group);
void lower_chain_backward(struct lowering *l, const struct group *group, struct norm_regions *norm);

/* ---- groups of one node that is no step ---- */

/* Loss and its gradient at once: the sums over the batch go to *result. */
void lower_loss(struct lowering *l, const struct group *group);

/* Forward, and what the gradient needs where the input has one. */
void lower_softmax(struct lowering *l, const struct group *group);
void lower_softmax_backward(struct lowering *l, const struct group *group);
void lower_pool(struct lowering *l, const struct group *group);
void lower_pool_backward(struct lowering *l, const struct group *group);
void lower_concat(struct lowering *l, const struct group *group);
void lower_concat_backward(struct lowering *l, const struct group *group);
void lower_reshape(struct lowering *l, const struct group *group);
void lower_reshape_backward(struct lowering *l, const struct group *group);
void lower_lrn(struct lowering *l, const struct group *group);
void lower_lrn_backward(struct lowering *l, const struct group *group);

/* ---- stochastic depth ---- */

/* INNER is OUTER or in its body (every gate is in NULL). */
bool gate_within(const struct gate *inner, const struct gate *outer);
/* The operand NAME, whether GATE's body is kept. */
void kept_operand(struct lowering *l, struct call *call, const char *name, const struct gate *gate);
/* PARTIAL, written by GROUP, is a gradient of something outside the body that GROUP is in. */
bool leaves_gate(const struct lowering *l, const struct group *group, const struct tensor *partial);
/* GROUP writes PARTIAL to TO, with FROM added: if it leaves GROUP's body, lower_skipped does what
 * is left to do where that is skipped. */
void note_skipped(struct lowering *l, const struct group *group, const struct tensor *partial,
                  struct region *to, struct region *from);
void lower_skipped(struct lowering *l, const struct group *group);
/* The gradients of the weights in GATE's body, where it is skipped. */
void lower_zero_gradients(struct lowering *l, const struct group *group, const struct gate *gate);

/* ---- gradients ---- */

/* Where the gradient PARTIAL goes: follows the sums that it completes, so that they cost no call of
 * their own. *accumulate: the region to add, or NULL. */
struct region *gradient_destination(struct lowering *l, struct tensor *partial,
                                    struct region **accumulate);

/* The gradient PARTIAL has been written, and with it what renames it. */
void mark_there(struct lowering *l, const struct tensor *partial);

/* PARTIAL is the same numbers as the gradient SAME: one region, no call. */
void gradient_renamed(struct lowering *l, const struct tensor *partial, const struct tensor *same);
/* Sums that no kernel could take along become calls of their own as soon as both terms are there.
 */
void lower_left_sums(struct lowering *l);
/* The gradient node of FORWARD; NULL: it has none. */
struct node *backward_of(const struct lowering *l, const struct node *forward);

#endif
