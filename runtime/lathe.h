/*
 * The runtime that every generated program shares.
 *
 * A generated program is a table of constants (struct lathe_model), the functions that the table
 * names, and a main that hands the table to lathe_train_main or lathe_infer_main. Nothing here
 * knows a network; nothing here includes a header of the generator. lathe's own interpreter fills
 * the same table with its own functions, so that `lathe interpret` does what `infer` does.
 *
 * Needs libc, libm, OpenMP; zlib where present (LATHE_ZLIB defined), for .gz files.
 */
#ifndef LATHE_H
#define LATHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raised whenever a generated file of an older lathe would not fit this runtime. */
#define LATHE_ABI 8

/* ---- exit statuses ---- */

enum {
    LATHE_DONE = 0,
    LATHE_USER = 1,     /* the user's error: a file, weights of another network */
    LATHE_USAGE = 2,    /* the command line */
    LATHE_RESOURCE = 3, /* a failed write, memory, a lost resource */
    LATHE_NUMBERS = 4   /* numbers that stopped being finite */
};

/* Print "PROGRAM: message" as one line on stderr and exit with STATUS. The runtime's only way to
 * fail. lathe itself sets lathe_die_handler to be told instead; a handler must not return. */
_Noreturn void lathe_die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern void (*lathe_die_handler)(int status, const char *message);

/* Where descriptors 0, 1 or 2 are closed, occupy them with something that takes nothing, so that no
 * file comes to stand where output goes. To be called before anything is opened. */
void lathe_hold_standard_streams(void);

/* Has all that was printed on stdout been written? */
bool lathe_output_arrived(void);

/* Make control characters of MESSAGE question marks: names come from files and command lines, and
 * are to break neither the line nor the terminal. */
void lathe_one_line(char *message);

/* COUNT * SIZE bytes, zeroed, aligned to 64 (2 MB where it is that large); dies when there are
 * none. Freed by free(). */
void *lathe_alloc(size_t count, size_t size);

/* ---- parameters ---- */

/* How a fresh parameter is drawn. VALUE: the constant, the bound of U(-value, value), the deviation
 * of N(0, value); LISTED: the numbers of LIST. Draws depend on (seed, parameter's index, logical
 * element) alone. */
enum lathe_init { LATHE_CONSTANT, LATHE_UNIFORM, LATHE_NORMAL, LATHE_LISTED };

/*
 * One tensor of weights, of running statistics or of a curve's table.
 *
 * Logical layout, as in PyTorch and in files: RANK dims, row-major (conv: out, in/groups, kh, kw;
 * linear: out, in; the others: out).
 *
 * Packed layout, as the kernels want it: [kb][cb][kh][kw][ci][ki], ki < block_out, ci < block_in;
 * output channel k = kb * block_out + ki, input channel c = cb * block_in + ci; places without a
 * logical element hold 0. A linear layer that follows a flattened (C, H, W) tensor is packed like a
 * convolution with an H x W kernel (its logical `in` is (c * H + h) * W + w).
 * Groups: output channel k reads the channels of its logical group, (k / (out / groups)); a packed
 * row covers a span of in / spans channels, that of k's span (k / (out / spans)); spans divides
 * groups. Channels of the span that are not k's own group's hold 0.
 * Narrow groups (window > 0): [kb][b][kh][kw][i][ki], i < block_in = in / groups, b < window. That
 * is the i-th channel of k's group where it lies in the input's b-th block of block_out channels,
 * counted from the block of the first channel that kb's first output channel reads; else 0.
 */
struct lathe_parameter {
    const char *name; /* "residual1.conv2.weight" */
    int rank;
    int dims[4];
    bool trainable;      /* false: running statistics, tables */
    size_t offset;       /* floats from the start of the state block */
    int out, in, kh, kw; /* in: channels of the whole input, not in/groups; 1 for vectors */
    int groups, spans;   /* 1, 1 but for grouped convolution */
    int window;          /* 0 but for narrow groups */
    int block_out, block_in;
    enum lathe_init init;
    double value;
    const float *list; /* LISTED: as many as elements */
    int tie;           /* > 0: one number with all others of this tie: their gradients are summed */
    double unit; /* > 0: it shapes a curve: steps by curve_lr are relative to its size, but for
                    less than this */
};

size_t lathe_parameter_elements(const struct lathe_parameter *parameter); /* logical */
size_t lathe_parameter_floats(const struct lathe_parameter *parameter);   /* packed, with padding */
/* Between logical and packed; pack writes the padding's zeros too. */
void lathe_pack(const struct lathe_parameter *parameter, const float *logical, float *packed);
void lathe_unpack(const struct lathe_parameter *parameter, const float *packed, float *logical);
/* Draw PARAMETER, the INDEX-th of its model, in logical order. */
void lathe_initialise(const struct lathe_parameter *parameter, int index, uint64_t seed,
                      float *logical);
/* Zero the places of a packed gradient that belong to no logical element (needed where groups share
 * spans, or a window has several blocks). */
void lathe_mask_groups(const struct lathe_parameter *parameter, float *packed);

/* ---- data ---- */

enum lathe_source {
    LATHE_MNIST,
    LATHE_FASHION_MNIST,
    LATHE_CIFAR10,
    LATHE_CIFAR100,  /* fine labels */
    LATHE_DIGITS,    /* 28x28 digits drawn from strokes, deterministic, no files */
    LATHE_XOR,       /* the four points of exclusive or; train set = test set */
    LATHE_LINEAR,    /* functions of normal numbers x, W fixed: the sum of W x, */
    LATHE_MAX,       /* its largest entry, */
    LATHE_LOGSUMEXP, /* the logarithm of the sum of its exponentials */
    LATHE_IMAGES,    /* folders of pictures */
    LATHE_ARRAYS,    /* NumPy's files */
    LATHE_NO_DATA    /* the network knows none */
};

enum lathe_augmentation_kind {
    LATHE_CROP,
    LATHE_HFLIP,
    LATHE_CENTER_CROP,
    LATHE_RESIZE,
    LATHE_RANDOM_RESIZE,
    LATHE_ROTATE,
    LATHE_SHEAR,
    LATHE_PERSPECTIVE,
    LATHE_COLOR_JITTER,
    LATHE_NOISE
};

/* One change of an image. What is random befalls training images alone; for the test set a crop is
 * centred and the other random ones are left out. augment.c says what each does. */
struct lathe_augmentation {
    enum lathe_augmentation_kind kind;
    int size;     /* CROP, CENTER_CROP: side of what is cut out; RESIZE: height of the result */
    int width;    /* RESIZE */
    int pad;      /* CROP: pixels added on each side before */
    bool reflect; /* CROP: padding mirrors the image (without the edge twice); else zeros */
    float p;      /* probability: HFLIP, ROTATE, SHEAR, PERSPECTIVE, COLOR_JITTER */
    /* RANDOM_RESIZE: least and largest factor. ROTATE, SHEAR: degrees. PERSPECTIVE: distortion.
     * COLOR_JITTER: brightness, contrast, saturation, hue. NOISE: deviation. */
    float amount[4];
};

enum lathe_target {
    LATHE_TARGET_OWN,   /* what the data set says: a class, or numbers */
    LATHE_TARGET_INPUT, /* the input itself, as the network gets it, flat */
    LATHE_TARGET_NONE   /* nothing: the network only infers */
};

struct lathe_data {
    enum lathe_source source;
    int channels, height, width; /* of what the network takes, after augmentation */
    int load_height, load_width; /* of the set's samples, before it */
    int classes;                 /* 0: regression */
    int targets;                 /* classes 0: numbers a sample is to become */
    enum lathe_target target;
    /* Bytes become x / 255, then (x - mean) / deviation a channel. Zero padding is of the byte 0
     * before normalisation, as torchvision's RandomCrop before Normalize has it. */
    float mean[4], deviation[4];
    bool measured; /* mean and deviation are the training set's, kept with the weights instead */
    const struct lathe_augmentation *augmentation;
    int augmentation_count;
    double subset;     /* share of the training set: every (1/subset)-th image; 1: all */
    double validation; /* share of what is left that is held out of training to judge it; 0: none */
    const char *files[4]; /* ARRAYS, below --data DIR: x, y, test_x, test_y; NULL: none */
};

/* ---- training ---- */

enum lathe_schedule_kind {
    LATHE_FIXED,
    LATHE_STEPS,
    LATHE_EXPONENTIAL,
    LATHE_INVERSE,
    LATHE_COSINE,
    LATHE_ONECYCLE,
    LATHE_PLATEAU
};

/* The learning rate. An epoch is a whole number here: 0 in all steps of the first. */
struct lathe_schedule {
    enum lathe_schedule_kind kind;
    double warmup; /* epochs of a linear rise from 0 to the first rate, before all the rest; 0: none
                    */
    double lr;     /* the first; ONECYCLE: the maximum */
    double every;  /* STEPS: epochs between cuts */
    double gamma;  /* STEPS: factor of a cut */
    double k;      /* EXPONENTIAL: lr exp(-k epoch); INVERSE: lr / (1 + k epoch) */
    double min;    /* COSINE, PLATEAU: the least rate */
    /* ONECYCLE as torch.optim.lr_scheduler.OneCycleLR (cosine, two phases); momentum (Adam's
     * beta1) cycles between max_momentum and base_momentum when cycle_momentum. */
    double pct_start, div_factor, final_div_factor;
    bool cycle_momentum;
    double base_momentum, max_momentum;
    /* PLATEAU as ReduceLROnPlateau (relative threshold) on the validation loss. */
    double factor, threshold;
    int patience, cooldown; /* epochs */
};

enum lathe_optimizer_kind {
    LATHE_SGD,
    LATHE_ADAGRAD,
    LATHE_RMSPROP,
    LATHE_ADADELTA,
    LATHE_ADAM,
    LATHE_ADAMW
};

/* As torch.optim's, formula for formula; what a kind does not have is 0. Every kind has
 * weight_decay (L2: weight_decay * w is added to the gradient; ADAMW's is decoupled) and l1
 * (l1 * sign(w) is added, sign(0) = 0). */
struct lathe_optimizer {
    enum lathe_optimizer_kind kind;
    double momentum, dampening; /* SGD; momentum also RMSPROP */
    bool nesterov;
    double lr_decay, initial_accumulator; /* ADAGRAD */
    double alpha;                         /* RMSPROP */
    bool centered;
    double rho;          /* ADADELTA */
    double beta1, beta2; /* ADAM, ADAMW */
    bool amsgrad;
    double eps;
    double weight_decay, l1;
    /* Before everything else gradients are clamped to +-clip_value, then scaled so that the norm of
     * all of them together is at most clip_norm; 0: not. */
    double clip_value, clip_norm;
};

/* How a network is trained. Numbers alone, named as in specs: training.h lists them. */
struct lathe_training {
    int batch, epochs;
    int early_stopping; /* epochs without a lower validation loss that end the run; 0: none do */
    double curve_lr;    /* of parameters with a unit, times the rate: curves.h; 0: as all others */
    struct lathe_optimizer optimizer;
    struct lathe_schedule schedule;
};

enum lathe_loss { LATHE_CROSS_ENTROPY, LATHE_MSE, LATHE_BCE };

/* ---- the model: what a generated program is ---- */

struct lathe_batch {
    float *input;    /* count x C x H x W, normalised; 64-byte aligned */
    int32_t *labels; /* count; NULL for regression */
    float *targets;  /* count x outputs: regression's; with classes one-hot; cross_entropy: NULL */
    int count;       /* 1 .. batch */
};

struct lathe_step_result {
    double loss; /* mean over the batch */
    int correct; /* samples whose largest output is the label's; 0 for regression */
};

/* A tensor of a training step as it lies in the arena, for `lathe verify`. */
struct lathe_tensor {
    const char *name; /* the graph's */
    size_t offset;    /* bytes from the start of the training arena */
    bool batched;
    int channels, height, width;
    int block;    /* [image][channels / block, rounded up][height][width][block] */
    int samples;  /* of an image: 1; or block, then [image][channels][height][width][sample] */
    size_t image; /* floats from an image to the next; 0 where not batched */
};

struct lathe_profile; /* profile.h */

struct lathe_model {
    int abi; /* LATHE_ABI of the lathe that wrote this */
    const char *name;
    const char *provenance; /* lathe version, spec, sha256 */
    void *context;          /* the interpreter's own; NULL in generated programs */

    int channels, height, width; /* a sample of the input; a vector is C x 1 x 1 */
    int outputs;                 /* numbers a sample of the output */
    bool probabilities;          /* the output went through softmax; with BCE, sigmoid: no logits */
    enum lathe_loss loss;
    double smoothing; /* CROSS_ENTROPY: share of a target that is spread over all classes */
    struct lathe_data data;
    struct lathe_training training;

    const struct lathe_parameter *parameters;
    int parameter_count;
    size_t trainable_floats; /* state block: [trainable, packed | running statistics, tables] */
    size_t state_floats;

    int infer_batch;          /* samples a call of infer takes at most */
    size_t infer_arena_bytes; /* packed weights and activations */
    size_t train_arena_bytes; /* 0: no training (an infer program) */
    size_t state_offset;      /* bytes from the start of the training arena */
    size_t gradient_offset;   /* bytes; trainable_floats, packed as the state */

    const struct lathe_tensor *tensors; /* NULL but in builds for verify, where none overlap */
    int tensor_count;
    struct lathe_profile *infer_profile, *train_profile; /* of infer and of step, or NULL */

    /* Fold and pack the weights (logical, parallel to parameters) into an inference arena. */
    void (*load)(const struct lathe_model *model, const float *const *logical, void *arena);
    /* COUNT samples (<= infer_batch), input and output in logical layout. */
    void (*infer)(const struct lathe_model *model, const float *input, float *output, int count,
                  void *arena);
    /* Forward, loss and backward of one batch: fills the gradient block, moves the running
     * statistics. The optimizer is the caller's. seed and step key dropout's random numbers. */
    void (*step)(const struct lathe_model *model, const struct lathe_batch *batch, uint64_t seed,
                 uint64_t step, struct lathe_step_result *result, void *arena);
};

/* The programs: main(argc, argv) of DIR/train and DIR/infer. Return the exit status. */
int lathe_train_main(const struct lathe_model *model, int argc, char **argv);
int lathe_infer_main(const struct lathe_model *model, int argc, char **argv);

/* Read PATH (safetensors) into fresh logical arrays, one a parameter of MODEL; dies with one line
 * that names the first tensor that is missing or differs, expected and given. Tensors of other
 * networks beside them are left out, with a line on stderr. The array and what it points to are one
 * allocation: free() it. */
float **lathe_read_weights(const struct lathe_model *model, const char *path);
/* Write the state block's parameters to PATH: temporary file, fsync, rename, fsync of the folder.
 */
void lathe_write_weights(const struct lathe_model *model, const float *state, const char *path);
/* Draw all parameters of MODEL into a state block. */
void lathe_initialise_all(const struct lathe_model *model, uint64_t seed, float *state);

#endif
