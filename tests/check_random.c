/*
 * Random networks. A seed writes a spec as Lua text, lathe reads and builds it, and the generated C
 * is held against the interpreter: every tensor of a training step and the output of inference,
 * within verify's bounds; networks of integers exactly.
 *
 *     LATHE_SEEDS   how many seeds (50), and a fifth as many of integers
 *     CHECK_SEED    the first (1): CHECK_SEED=17 LATHE_SEEDS=1 repeats seed 17 alone
 */
#include "../gen/build.h"
#include "../gen/cc.h"
#include "../gen/interp.h"
#include "../gen/spec.h"
#include "../gen/verify.h"
#include "../runtime/random.h"

#include <check.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- drawing ---- */

struct draw {
    uint64_t seed;
    uint32_t next;
};

static int between(struct draw *draw, int low, int high)
{
    uint32_t bits = lathe_random(draw->seed, LATHE_STREAM_TEST, 1, 2, draw->next++).v[0];
    return low + (int)(bits % (uint32_t)(high - low + 1));
}

static bool chance(struct draw *draw, int percent)
{
    return between(draw, 1, 100) <= percent;
}

/* ---- writing a spec ---- */

/* A spec under way, and the shape of what its last layer gives. */
struct writer {
    struct draw *draw;
    struct text lua;
    int c, h, w;
    bool flat;
    int batch;
    bool exact;    /* sums of integers only */
    int depth;     /* of layers in layers */
    int weighted;  /* layers with weights so far */
    bool has_norm; /* a batchnorm so far */
};

/* A layer, as a line of its own. */
__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
    va_list arguments;
    text_printf(&w->lua, "%*s", 2 + 2 * w->depth, "");
    va_start(arguments, format);
    text_vprintf(&w->lua, format, arguments);
    va_end(arguments);
    text_printf(&w->lua, "\n");
}

/* A window that slides, {height, width}; pad: top, left, bottom, right. */
struct window_sizes {
    int kernel[2], stride[2], dilation[2], pad[4];
    bool same;
};

/* Places of the window along AXIS of IN pixels; 0: it does not fit. */
static int places(const struct window_sizes *s, int in, int axis)
{
    int room = in + s->pad[axis] + s->pad[axis + 2];
    room -= s->dilation[axis] * (s->kernel[axis] - 1) + 1;
    if (s->same)
        return divide_up(in, s->stride[axis]);
    return room < 0 ? 0 : room / s->stride[axis] + 1;
}

static const char *pair_text(char *buffer, const int *pair)
{
    if (pair[0] == pair[1])
        sprintf(buffer, "%d", pair[0]);
    else
        sprintf(buffer, "{ %d, %d }", pair[0], pair[1]);
    return buffer;
}

static const char *pad_text(char *buffer, const struct window_sizes *s)
{
    const int *p = s->pad;
    if (s->same)
        strcpy(buffer, "'same'");
    else if (p[0] == p[1] && p[1] == p[2] && p[2] == p[3])
        sprintf(buffer, "%d", p[0]);
    else
        sprintf(buffer, "{ %d, %d, %d, %d }", p[0], p[1], p[2], p[3]);
    return buffer;
}

static void draw_pair(struct draw *draw, int *pair, int most)
{
    pair[0] = pair[1] = between(draw, 1, most);
    if (chance(draw, 40))
        pair[1] = between(draw, 1, most);
}

static struct window_sizes draw_conv_sizes(struct writer *w, bool keep)
{
    struct window_sizes s = {.stride = {1, 1}, .dilation = {1, 1}};
    do {
        draw_pair(w->draw, s.kernel, 5);
        if (!keep && chance(w->draw, 40))
            draw_pair(w->draw, s.stride, 3);
        if (chance(w->draw, 25))
            draw_pair(w->draw, s.dilation, 3);
        s.same = keep || chance(w->draw, 50);
        int pad = between(w->draw, 0, 3);
        bool sides = chance(w->draw, 50);
        for (int i = 0; i < 4; i++)
            s.pad[i] = sides ? between(w->draw, 0, 3) : pad;
    } while (!places(&s, w->h, 0) || !places(&s, w->w, 1));
    return s;
}

static int draw_groups(struct writer *w)
{
    if (chance(w->draw, 70))
        return 1;
    if (chance(w->draw, 50))
        return w->c; /* depthwise */
    int groups = between(w->draw, 1, w->c);
    while (w->c % groups)
        groups--;
    return groups;
}

static void add_conv_of(struct writer *w, bool keep, int channels, int groups)
{
    char kernel[32], stride[32], dilation[32], pad[64];
    struct window_sizes s = draw_conv_sizes(w, keep);
    put(w, "conv(%d, %s, { stride = %s, pad = %s, dilation = %s, groups = %d, bias = %s }),",
        channels, pair_text(kernel, s.kernel), pair_text(stride, s.stride), pad_text(pad, &s),
        pair_text(dilation, s.dilation), groups, chance(w->draw, 60) ? "true" : "false");
    w->c = channels;
    w->h = places(&s, w->h, 0);
    w->w = places(&s, w->w, 1);
    w->weighted++;
}

/* KEEP: the output has the input's shape. */
static void add_conv(struct writer *w, bool keep)
{
    int groups = draw_groups(w), most = w->exact ? 12 : 40;
    int channels = keep ? w->c : groups * between(w->draw, 1, max_int(1, most / groups));
    add_conv_of(w, keep, channels, groups);
}

/* Groups of every width, on an input of as many channels as that takes. */
static void add_grouped(struct writer *w)
{
    int most = w->exact ? 4 : 10, groups = between(w->draw, 2, most);
    int in = between(w->draw, 1, most), out = between(w->draw, 1, most);
    put(w, "conv(%d, 1),", groups * in);
    w->c = groups * in;
    add_conv_of(w, false, groups * out, groups);
    w->weighted++;
}

static void add_flatten(struct writer *w)
{
    put(w, "flatten(),");
    w->c *= w->h * w->w;
    w->h = w->w = 1;
    w->flat = true;
}

static void add_linear(struct writer *w, int units)
{
    put(w, chance(w->draw, 70) ? "linear(%d)," : "linear(%d, { bias = false }),", units);
    w->c = units;
    w->weighted++;
}

static void add_norm(struct writer *w)
{
    if (w->batch * w->h * w->w < 2 || w->exact)
        return;
    put(w, chance(w->draw, 70) ? "batchnorm()," : "batchnorm { eps = 0.001, momentum = 0.3 },");
    w->has_norm = true;
}

static const char *draw_table(struct writer *w)
{
    static const char *const tables[] = {"", ", table = exact()", ", table = tangent(0.1)",
                                         ", table = tangent(0.02, { max = 3 })",
                                         ", table = minimax(0.03)"};
    return tables[between(w->draw, 0, 4)];
}

/* An activation with trained parameters. */
static void add_learned(struct writer *w)
{
    struct draw *d = w->draw;
    const char *shared = chance(d, 40) ? "true" : "false";
    switch (between(d, 0, w->exact ? 0 : w->flat ? 3 : 4)) {
    case 0:
        put(w, chance(d, 50) ? "prelu()," : "prelu { init = -0.5, shared = %s },", shared);
        break;
    case 1:
        put(w, "elu_learned { a = %d, shared = %s },", between(d, 1, 2), shared);
        break;
    case 2:
        put(w, "dynamic { L = %d, Q = %d, I = %d.5, P = %d, Z = 7, learn = true },",
            between(d, -3, 30), between(d, 1, 3), between(d, -1, 1), 2 * between(d, 1, 3));
        break;
    case 3:
        put(w, "dynamic { L = 55.9344, Q = 12, I = 0.02924, learn = true },");
        break;
    default:
        put(w, "dynamic_relu { k = %d, reduction = %d },", between(d, 1, 3), between(d, 1, 9));
        w->weighted += 2;
    }
}

static void add_activation(struct writer *w)
{
    struct draw *d = w->draw;
    if (chance(d, 30)) {
        add_learned(w);
        return;
    }
    const char *table = draw_table(w);
    static const char *const smooth[] = {"sigmoid", "tanh", "softplus",
                                         "silu",    "gelu", "hardswish"};
    switch (between(d, 0, w->exact ? 2 : 15)) {
    case 0:
        put(w, "relu(),");
        break;
    case 1:
        put(w, "leaky_relu(%s),", w->exact ? "0.5" : chance(d, 50) ? "" : "0.2");
        break;
    case 2:
        put(w, "relu_at(%d),", between(d, -1, 1));
        break;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
        put(w, "%s {%s },", smooth[between(d, 0, 5)], *table ? table + 1 : "");
        break;
    case 9:
        put(w, "elu { a = %d.5%s },", between(d, 0, 1), table);
        break;
    case 10:
        if (chance(d, 50)) {
            put(w, "curve { f = function(x) return math.max(%d, x) - 0.5 / (1 + x * x) end%s },",
                between(d, -1, 1), chance(d, 50) ? "" : ", table = tangent(0.05)");
            break;
        }
        put(w, "piecewise { { -1, %d }, { 0.5, %d }, { 2, 1.5 } },", between(d, -1, 1),
            between(d, -1, 2));
        break;
    case 11:
        put(w, "dynamic { L = %d, Q = 0.5, I = 1.5, P = 4, Z = 7%s },", between(d, 1, 30), table);
        break;
    default:
        put(w, "dynamic { L = %d.25, Q = %d, I = %d.125%s },", between(d, 0, 55), between(d, 1, 12),
            between(d, -1, 1), table);
    }
}

static bool draw_pool(struct writer *w, struct window_sizes *s)
{
    *s = (struct window_sizes){.dilation = {1, 1}};
    draw_pair(w->draw, s->kernel, 4);
    bool tiles = chance(w->draw, 50);
    for (int axis = 0; axis < 2; axis++) {
        s->stride[axis] = tiles ? s->kernel[axis] : between(w->draw, 1, 3);
        for (int side = axis; side < 4; side += 2)
            s->pad[side] = tiles ? 0 : between(w->draw, 0, s->kernel[axis] - 1);
    }
    return places(s, w->h, 0) && places(s, w->w, 1);
}

static void add_pool(struct writer *w)
{
    char kernel[32], stride[32], pad[64];
    struct window_sizes s;
    do {
    } while (!draw_pool(w, &s));
    bool halves = s.kernel[0] != 3 && s.kernel[1] != 3;
    const char *word = chance(w->draw, 50) && (halves || !w->exact) ? "avgpool" : "maxpool";
    if (s.stride[0] == s.kernel[0] && s.stride[1] == s.kernel[1] && !s.pad[0] &&
        chance(w->draw, 50))
        put(w, "%s(%s, { pad = %s }),", word, pair_text(kernel, s.kernel), pad_text(pad, &s));
    else
        put(w, "%s(%s, { stride = %s, pad = %s }),", word, pair_text(kernel, s.kernel),
            pair_text(stride, s.stride), pad_text(pad, &s));
    w->h = places(&s, w->h, 0);
    w->w = places(&s, w->w, 1);
}

static void add_lrn(struct writer *w)
{
    static const char *const betas[] = {"0.75", "0.5", "1", "0.6"};
    int size = 2 * between(w->draw, 0, min_int(w->c - 1, 3)) + 1;
    if (!w->exact)
        put(w, "lrn { size = %d, alpha = 0.%d, beta = %s, k = %d },", size, between(w->draw, 0, 9),
            betas[between(w->draw, 0, 3)], between(w->draw, 1, 2));
}

/* The same numbers in a shape of at most 40 channels. */
static void add_reshape(struct writer *w)
{
    int numbers = w->c * w->h * w->w, sizes[3];
    if (chance(w->draw, 30)) { /* channels as they are */
        sizes[0] = w->c;
        numbers /= w->c;
    } else {
        for (sizes[0] = between(w->draw, 1, 40); numbers % sizes[0]; sizes[0]--)
            ;
        numbers /= sizes[0];
    }
    for (sizes[1] = between(w->draw, 1, 20); numbers % sizes[1]; sizes[1]--)
        ;
    sizes[2] = numbers / sizes[1];
    put(w, "reshape(%d, %d, %d),", sizes[0], sizes[1], sizes[2]);
    w->c = sizes[0];
    w->h = sizes[1];
    w->w = sizes[2];
    w->flat = false;
}

static void add_dropout(struct writer *w)
{
    if (!w->exact)
        put(w, "dropout(%s),", chance(w->draw, 50) ? "" : "0.2");
}

static void add_residual(struct writer *w);

/* A layer whose output has its input's shape. */
static void add_same_shape(struct writer *w)
{
    int kind = between(w->draw, 1, 10);
    if (kind <= 4 && w->flat)
        add_linear(w, w->c);
    else if (kind <= 4)
        add_conv(w, true);
    else if (kind <= 6)
        add_norm(w);
    else if (kind <= 8)
        add_activation(w);
    else if (kind <= 9 && chance(w->draw, 50))
        add_dropout(w);
    else if (kind <= 9)
        add_lrn(w);
    else if (w->depth < 3)
        add_residual(w);
}

static void add_same_shapes(struct writer *w)
{
    size_t before = w->lua.length;
    for (int i = between(w->draw, 1, 3); i > 0; i--)
        add_same_shape(w);
    if (w->lua.length == before)
        add_activation(w);
}

/* A body that changes the shape of an image, and a shortcut that does so too. */
static void add_residual_with_shortcut(struct writer *w)
{
    int stride = between(w->draw, 1, 2), channels = between(w->draw, 1, w->exact ? 12 : 40);
    int c = w->c, h = divide_up(w->h, stride), width = divide_up(w->w, stride);
    put(w, "conv(%d, %d, { stride = %d }),", channels, between(w->draw, 1, 4), stride);
    w->c = channels;
    w->h = h;
    w->w = width;
    add_same_shapes(w);
    put(w, "shortcut = {");
    w->depth++;
    w->c = c; /* what the next line says is read at the input's shape */
    put(w, "conv(%d, 1, { stride = %d, bias = %s }),", channels, stride,
        chance(w->draw, 50) ? "true" : "false");
    w->c = channels;
    if (chance(w->draw, 50))
        add_norm(w);
    w->depth--;
    put(w, "},");
    w->weighted += 2;
}

static void add_residual(struct writer *w)
{
    put(w, "residual {");
    w->depth++;
    if (chance(w->draw, 35))
        put(w, "drop = %s,", w->exact || chance(w->draw, 60) ? "0.5" : "0.2");
    if (!w->flat && chance(w->draw, 40) && w->depth == 1) {
        add_residual_with_shortcut(w);
    } else {
        add_same_shapes(w);
        if (chance(w->draw, 20)) {
            put(w, "shortcut = {");
            w->depth++;
            add_same_shapes(w);
            w->depth--;
            put(w, "},");
        }
    }
    w->depth--;
    put(w, "},");
    if (chance(w->draw, 50))
        add_activation(w);
}

/* Channels that fill blocks, so that nothing is copied, or any. */
static int draw_branch_channels(struct writer *w, bool blocks)
{
    return blocks ? 16 * between(w->draw, 1, 2) : between(w->draw, 1, w->exact ? 12 : 24);
}

/* Branches of one size; at times one is the input itself, or a concat in its turn. */
static void add_concat(struct writer *w)
{
    int c = w->c, height = w->h, width = w->w, sum = 0;
    bool blocks = chance(w->draw, 50);
    put(w, "concat {");
    w->depth++;
    for (int i = between(w->draw, 1, 3); i > 0; i--) {
        w->c = c;
        put(w, "chain {");
        w->depth++;
        if (chance(w->draw, 70)) {
            int channels = draw_branch_channels(w, blocks);
            if (w->flat)
                add_linear(w, channels);
            else
                put(w, "conv(%d, %d, { bias = %s }),", channels, between(w->draw, 1, 3),
                    chance(w->draw, 50) ? "true" : "false");
            w->c = channels;
            w->weighted++;
        }
        if (chance(w->draw, 60))
            add_same_shape(w);
        if (w->depth < 5 && chance(w->draw, 30))
            add_concat(w);
        w->depth--;
        put(w, "},");
        sum += w->c;
        ck_assert(w->h == height && w->w == width);
    }
    w->depth--;
    put(w, "},");
    w->c = sum;
}

static void add_image_layer(struct writer *w)
{
    int kind = between(w->draw, 1, 100);
    if (kind <= 13)
        add_conv(w, false);
    else if (kind <= 20)
        add_grouped(w);
    else if (kind <= 30)
        add_concat(w);
    else if (kind <= 45)
        add_activation(w);
    else if (kind <= 60)
        add_norm(w);
    else if (kind <= 74)
        add_pool(w);
    else if (kind <= 88)
        add_residual(w);
    else if (kind <= 91)
        add_dropout(w);
    else if (kind <= 93)
        add_reshape(w);
    else if (kind <= 97 || w->exact || w->batch == 1) /* one sample's mean may undo a batchnorm */
        add_flatten(w);
    else {
        put(w, "globalpool(),");
        w->h = w->w = 1;
    }
}

static void add_flat_layer(struct writer *w)
{
    int kind = between(w->draw, 1, 10);
    if (kind <= 3)
        add_linear(w, between(w->draw, 1, w->exact ? 12 : 40));
    else if (kind == 4)
        add_concat(w);
    else if (kind <= 6)
        add_activation(w);
    else if (kind == 7 && chance(w->draw, 30))
        add_reshape(w);
    else if (kind == 7)
        add_norm(w);
    else if (kind == 8)
        add_residual(w);
    else if (kind == 9 && !w->exact)
        put(w, "softmax(),");
    else
        add_dropout(w);
}

static void add_layers(struct writer *w)
{
    for (int i = between(w->draw, 2, w->exact ? 4 : 7); i > 0; i--) {
        bool chained = chance(w->draw, 10);
        if (chained)
            put(w, "chain {");
        w->depth += chained;
        if (w->flat)
            add_flat_layer(w);
        else
            add_image_layer(w);
        w->depth -= chained;
        if (chained)
            put(w, "},");
    }
}

/* The last layers, and the loss. Exact: a power of two outputs, so that the mean is no rounding. */
static void add_ending(struct writer *w)
{
    bool entropy = !w->exact && chance(w->draw, 60);
    if (entropy || w->exact || w->weighted == 0) {
        if (!w->flat)
            add_flatten(w);
        add_linear(w, w->exact ? 1 << between(w->draw, 0, 3) : between(w->draw, 2, 20));
    }
    if (w->flat && !w->exact && chance(w->draw, 30))
        put(w, chance(w->draw, 60) ? "softmax()," : "sigmoid(),");
    if (entropy && chance(w->draw, 40))
        put(w, "loss = cross_entropy { smoothing = 0.%d },", between(w->draw, 1, 9));
    else if (!entropy && !w->exact && chance(w->draw, 50))
        put(w, "loss = bce(),");
    else
        put(w, "loss = %s(),", entropy ? "cross_entropy" : "mse");
}

/* The spec of DRAW's seed: a text to be freed. BATCH: of training. */
static struct text write_spec(struct draw *draw, bool exact, int *batch, bool *has_norm)
{
    struct writer w = {.draw = draw, .exact = exact, .batch = between(draw, 1, 9)};
    if (exact)
        w.batch = 1 << between(draw, 0, 3);
    text_printf(&w.lua, "return network {\n");
    w.c = between(draw, 1, exact ? 20 : 40);
    if (chance(draw, 15)) {
        w.flat = true;
        w.h = w.w = 1;
        put(&w, "input = vector(%d),", w.c);
    } else {
        w.h = between(draw, 1, exact ? 8 : 20);
        w.w = between(draw, 1, exact ? 8 : 20);
        put(&w, "input = image(%d, %d, %d),", w.c, w.h, w.w);
    }
    add_layers(&w);
    add_ending(&w);
    text_printf(&w.lua, "}\n");
    *batch = w.batch;
    *has_norm = w.has_norm;
    return w.lua;
}

/* ---- networks of integers: no rounding, so no tolerance ---- */

/* Logical weights of MODEL's parameters: 1 and -1, about four a sum, else 0, so that sums stay far
 * below 2^24. */
static float **draw_weights(struct arena *arena, const struct lathe_model *model, struct draw *draw)
{
    float **weights = arena_array(arena, (size_t)model->parameter_count, float *);
    for (int i = 0; i < model->parameter_count; i++) {
        size_t count = lathe_parameter_elements(&model->parameters[i]);
        int terms = max_int(8, (int)count / model->parameters[i].dims[0]);
        weights[i] = arena_array(arena, count, float);
        for (size_t k = 0; k < count; k++)
            weights[i][k] = between(draw, 1, terms) > 4 ? 0 : chance(draw, 50) ? 1.0f : -1.0f;
    }
    return weights;
}

static float *draw_integers(struct arena *arena, size_t count, struct draw *draw)
{
    float *numbers = arena_array(arena, count, float);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (float)between(draw, -2, 2);
    return numbers;
}

/* Whether A and B, COUNT numbers called NAME, are the same (NaN is not); OUT says where not. */
static bool compare_numbers(const char *name, const float *a, const float *b, size_t count,
                            struct text *out)
{
    size_t different = 0, first = 0;
    for (size_t i = count; i-- > 0;)
        if (!(a[i] == b[i])) {
            different++;
            first = i;
        }
    if (different)
        text_printf(out, "  %s: %zu of %zu differ, number %zu is %.9g, not %.9g\n", name, different,
                    count, first, (double)a[first], (double)b[first]);
    return different == 0;
}

/* One training step of MODEL on BATCH into a fresh arena (to be freed); the loss in *LOSS. */
static char *step(const struct lathe_model *model, float **weights, const struct lathe_batch *batch,
                  double *loss)
{
    struct lathe_step_result result;
    char *arena = lathe_alloc(model->train_arena_bytes, 1);
    for (int i = 0; i < model->parameter_count; i++)
        lathe_pack(&model->parameters[i], weights[i],
                   (float *)(arena + model->state_offset) + model->parameters[i].offset);
    model->step(model, batch, 1, 0, &result, arena);
    *loss = result.loss;
    return arena;
}

static float *gradient(struct arena *arena, const struct lathe_model *model, const char *memory,
                       int parameter)
{
    const struct lathe_parameter *p = &model->parameters[parameter];
    float *logical = arena_array(arena, lathe_parameter_elements(p), float);
    lathe_unpack(p, (const float *)(memory + model->gradient_offset) + p->offset, logical);
    return logical;
}

static bool same_step(struct arena *arena, const struct lathe_model *generated,
                      const struct lathe_model *interpreted, float **weights,
                      const struct lathe_batch *batch, struct text *out)
{
    double loss[2];
    char *memory[2] = {step(generated, weights, batch, &loss[0]),
                       step(interpreted, weights, batch, &loss[1])};
    bool same = loss[0] == loss[1];
    if (!same)
        text_printf(out, "  loss: %.17g, not %.17g\n", loss[0], loss[1]);
    for (int i = 0; i < generated->parameter_count; i++)
        same &=
            compare_numbers(generated->parameters[i].name, gradient(arena, generated, memory[0], i),
                            gradient(arena, interpreted, memory[1], i),
                            lathe_parameter_elements(&generated->parameters[i]), out);
    free(memory[0]);
    free(memory[1]);
    return same;
}

static bool same_inference(struct arena *arena, const struct lathe_model *generated,
                           const struct lathe_model *interpreted, float **weights,
                           const struct lathe_batch *batch, struct text *out)
{
    const struct lathe_model *models[2] = {generated, interpreted};
    size_t in = (size_t)generated->channels * generated->height * generated->width;
    size_t outputs = (size_t)generated->outputs;
    float *numbers[2];
    for (int m = 0; m < 2; m++) {
        const struct lathe_model *model = models[m];
        void *memory = lathe_alloc(model->infer_arena_bytes, 1);
        numbers[m] = arena_array(arena, (size_t)batch->count * outputs, float);
        model->load(model, (const float *const *)weights, memory);
        for (int n = 0; n < batch->count; n += model->infer_batch)
            model->infer(model, batch->input + (size_t)n * in, numbers[m] + (size_t)n * outputs,
                         min_int(model->infer_batch, batch->count - n), memory);
        free(memory);
    }
    return compare_numbers("output", numbers[0], numbers[1], (size_t)batch->count * outputs, out);
}

static bool same_exactly(struct arena *arena, struct network *network,
                         const struct lathe_model *generated, int batch, struct draw *draw,
                         struct text *out)
{
    const struct lathe_model *interpreted = interp_model(arena, network, batch, batch);
    float **weights = draw_weights(arena, generated, draw);
    ck_assert_int_eq(generated->parameter_count, interpreted->parameter_count);
    struct lathe_batch data = {.count = batch};
    data.input = draw_integers(
        arena, (size_t)batch * generated->channels * generated->height * generated->width, draw);
    data.targets = draw_integers(arena, (size_t)batch * generated->outputs, draw);
    bool same = same_step(arena, generated, interpreted, weights, &data, out);
    return same_inference(arena, generated, interpreted, weights, &data, out) && same;
}

/* A step of MODEL on 1, 2, 3 and 4 threads leaves the same bits: loss, gradients, weights and
 * running statistics. */
static bool same_for_threads(struct arena *arena, const struct lathe_model *model, int batch,
                             struct draw *draw, struct text *out)
{
    float **weights = draw_weights(arena, model, draw);
    struct lathe_batch data = {.count = batch};
    data.input =
        draw_integers(arena, (size_t)batch * model->channels * model->height * model->width, draw);
    data.targets = draw_integers(arena, (size_t)batch * model->outputs, draw);
    data.labels = arena_array(arena, (size_t)batch, int32_t);
    for (int i = 0; i < model->parameter_count; i++)
        for (size_t k = 0; k < lathe_parameter_elements(&model->parameters[i]); k++)
            weights[i][k] = 0.1f * weights[i][k] + 0.3f;
    char *memory[4];
    double loss[4];
    bool same = true;
    int before = omp_get_max_threads();
    for (int t = 0; t < 4; t++) {
        omp_set_num_threads(t + 1);
        memory[t] = step(model, weights, &data, &loss[t]);
        same &= memcmp(&loss[0], &loss[t], sizeof *loss) == 0 &&
                memcmp(memory[0] + model->gradient_offset, memory[t] + model->gradient_offset,
                       model->trainable_floats * sizeof(float)) == 0 &&
                memcmp(memory[0] + model->state_offset, memory[t] + model->state_offset,
                       model->state_floats * sizeof(float)) == 0;
    }
    omp_set_num_threads(before);
    for (int t = 0; t < 4; t++)
        free(memory[t]);
    if (!same)
        text_printf(out, "  other bits with other numbers of threads\n");
    return same;
}

/* ---- one seed ---- */

struct trial {
    struct draw draw;
    bool exact, holds, has_norm;
    int batch;
    const char *folder;
    struct text spec, table;
    struct build_options options;
};

/* Instruction sets in turn, of those that this machine runs. */
static const struct isa *isa_of_seed(uint64_t seed)
{
    static const char *const names[] = {"avx512", "avx2", "portable"};
    const char *native = isa_find("native")->name;
    const char *name = names[seed % 3];
    if (strcmp(native, "avx2") == 0 && strcmp(name, "avx512") == 0)
        name = native;
    if (strcmp(native, "avx512") != 0 && strcmp(native, "avx2") != 0)
        name = seed % 2 ? native : "portable";
    return isa_find(name);
}

static size_t trained_numbers(const struct graph *graph)
{
    size_t count = 0;
    for (int i = 0; i < graph->tensors.count; i++)
        if (graph->tensors.items[i]->kind == TENSOR_PARAMETER)
            count += tensor_elements(graph->tensors.items[i]);
    return count;
}

/* Build the trial's network and compare; sets trial->holds. */
static void run_trial(void *context)
{
    struct trial *t = context;
    struct arena *arena = arena_new();
    const char *path = arena_printf(arena, "%s/net.lua", t->folder);
    write_file(path, t->spec.data, t->spec.length);
    struct network *network = spec_read(arena, path, NULL, 0);
    const struct lathe_model *generated =
        build_and_load(arena, network, &t->options, arena_printf(arena, "%s/generated", t->folder));
    if (t->exact) {
        t->holds = same_exactly(arena, network, generated, t->batch, &t->draw, &t->table) &&
                   same_for_threads(arena, generated, t->batch, &t->draw, &t->table);
        return;
    }
    /* not all samples there is room for, sometimes; a batchnorm wants more than one number */
    bool fewer = !t->has_norm && chance(&t->draw, 30);
    struct verify_options options = {.seed = t->draw.seed,
                                     .batch = fewer ? between(&t->draw, 1, t->batch) : t->batch,
                                     .entries = 8,
                                     .winograd = t->options.method == CONV_WINOGRAD};
    t->holds = verify_generated(network->graph, generated, &options, &t->table);
    t->holds &= same_for_threads(arena, generated, t->batch, &t->draw, &t->table);
    if (t->draw.seed % 4 == 0)
        t->holds &= verify_kernels(network->graph, &options, &t->table);
    if (t->draw.seed % 4 == 1 && trained_numbers(network->graph) < 1500)
        t->holds &= verify_gradients(network->graph, &options, &t->table);
    arena_free(arena);
}

/* Ways of convolving in turn, of those that are exact for integers. */
static enum conv_method method_of_seed(uint64_t seed, bool exact)
{
    static const enum conv_method methods[] = {CONV_DIRECT, CONV_WINOGRAD, CONV_LANES,
                                               CONV_WINOGRAD};
    enum conv_method method = methods[seed % 4];
    return exact && method == CONV_WINOGRAD ? CONV_LANES : method;
}

/* Dynamic curves as they are, as tables of the weights, learned, tied, in turn. */
static enum curves curves_of_seed(uint64_t seed, const char *spec)
{
    bool dynamic = strstr(spec, " dynamic {") != NULL;
    return dynamic ? (enum curves)(seed / 3 % 4) : CURVES_FIXED;
}

static bool run_seed(uint64_t seed, bool exact)
{
    char folder[] = "/tmp/lathe-random-XXXXXX";
    struct trial trial = {.draw = {.seed = seed}, .exact = exact, .folder = mkdtemp(folder)};
    struct failure failure = {.message = ""};
    ck_assert_ptr_nonnull(trial.folder);
    trial.spec = write_spec(&trial.draw, exact, &trial.batch, &trial.has_norm);
    trial.options = (struct build_options){.isa = isa_of_seed(seed),
                                           .batch = trial.batch,
                                           .infer_batch = between(&trial.draw, 1, 4),
                                           .method = method_of_seed(seed, exact),
                                           .curves = curves_of_seed(seed, trial.spec.data),
                                           .pieces = seed % 2 ? PIECES_MOST : 16,
                                           .cc = "cc",
                                           .verify = true,
                                           .part_bytes = seed % 4 == 0 ? 4096 : 0};
    omp_set_num_threads(1 + (int)(seed % 3));
    enum status status = protected_call(run_trial, &trial, &failure);
    if (status != STATUS_DONE || !trial.holds)
        printf("seed %llu%s, %s, batch %d, infer batch %d, %d threads: %s\n%s%s",
               (unsigned long long)seed, exact ? " (integers)" : "", trial.options.isa->name,
               trial.batch, trial.options.infer_batch, 1 + (int)(seed % 3),
               status == STATUS_DONE ? "differs" : failure.message, trial.spec.data,
               trial.table.data ? trial.table.data : "");
    fflush(stdout);
    const char *const removal[] = {"rm", "-rf", folder, NULL};
    run_program(removal, "/", &trial.table);
    text_free(&trial.spec);
    text_free(&trial.table);
    return status == STATUS_DONE && trial.holds;
}

/* What SEED's process died of, and its spec. */
static void print_death(uint64_t seed, bool exact, int signal)
{
    struct draw draw = {.seed = seed};
    bool has_norm;
    int batch;
    struct text spec = write_spec(&draw, exact, &batch, &has_norm);
    printf("seed %llu%s, %s, batch %d: signal %d\n%s", (unsigned long long)seed,
           exact ? " (integers)" : "", isa_of_seed(seed)->name, batch, signal, spec.data);
    text_free(&spec);
}

/* Seeds FIRST and FIRST + 1 side by side, each in a process of its own. */
static void run_pair(uint64_t first, int count, bool exact)
{
    pid_t child[2];
    bool good = true;
    fflush(stdout);
    for (int i = 0; i < count; i++) {
        child[i] = fork();
        ck_assert_int_ge(child[i], 0);
        if (child[i] == 0)
            _exit(run_seed(first + (uint64_t)i, exact) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    for (int i = 0; i < count; i++) {
        int status;
        ck_assert_int_eq(waitpid(child[i], &status, 0), child[i]);
        if (WIFSIGNALED(status))
            print_death(first + (uint64_t)i, exact, WTERMSIG(status));
        good &= WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    }
    fflush(stdout);
    ck_assert_msg(good,
                  "a seed of %llu to %llu differs (above); CHECK_SEED=N LATHE_SEEDS=1 "
                  "repeats one",
                  (unsigned long long)first, (unsigned long long)first + count - 1);
}

/* ---- the suite ---- */

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static int seeds_left(int index, uint64_t seeds)
{
    return min_int(2, (int)seeds - 2 * index);
}

START_TEST(generated_is_interpreted)
{
    uint64_t first = from_environment("CHECK_SEED", 1), seeds = from_environment("LATHE_SEEDS", 50);
    run_pair(first + 2 * (uint64_t)_i, seeds_left(_i, seeds), false);
}
END_TEST

START_TEST(integers_are_exact)
{
    uint64_t first = from_environment("CHECK_SEED", 1), seeds = from_environment("LATHE_SEEDS", 50);
    run_pair(first + 2 * (uint64_t)_i, seeds_left(_i, (seeds + 4) / 5), true);
}
END_TEST

Suite *random_suite(void);

Suite *random_suite(void)
{
    uint64_t seeds = from_environment("LATHE_SEEDS", 50);
    Suite *suite = suite_create("random");
    TCase *tests = tcase_create("random");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, generated_is_interpreted, 0, (int)(seeds + 1) / 2);
    tcase_add_loop_test(tests, integers_are_exact, 0, (int)((seeds + 4) / 5 + 1) / 2);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    printf("first seed %llu\n", (unsigned long long)from_environment("CHECK_SEED", 1));
    SRunner *runner = srunner_create(random_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
