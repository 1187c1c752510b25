/*
 * random_spec: see random_spec.h.
 */
#include "random_spec.h"

#include "../runtime/random.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- drawing ---- */

int between(struct draw *draw, int low, int high)
{
    uint32_t bits = lathe_random(draw->seed, LATHE_STREAM_TEST, 1, 2, draw->next++).v[0];
    return low + (int)(bits % (uint32_t)(high - low + 1));
}

bool chance(struct draw *draw, int percent)
{
    return between(draw, 1, 100) <= percent;
}

/* COUNT numbers, each of a range {low, high}, one after another: arguments of one call would be
 * drawn in whatever order the compiler likes. */
static void draw_numbers(struct draw *draw, int *numbers, int count, const int *ranges)
{
    for (int i = 0; i < count; i++)
        numbers[i] = between(draw, ranges[2 * i], ranges[2 * i + 1]);
}

/* ---- writing a spec ---- */

/* A spec under way, and the shape of what its last layer gives. */
struct writer {
    struct draw *draw;
    struct text lua;
    int c, h, w;
    bool flat;
    int batch;
    bool exact;   /* sums of integers only */
    int depth;    /* of layers in layers */
    int weighted; /* layers with weights so far */
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
    if (!w->exact && !keep && w->c <= 64 && w->h * w->w <= 36 && chance(w->draw, 10))
        most = 300;
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

/* Of two numbers a batchnorm makes -1 and 1, whatever they are: all that is left of their gradients
 * is rounding. */
static void add_norm(struct writer *w)
{
    if (w->batch * w->h * w->w <= 2 || w->exact)
        return;
    put(w, chance(w->draw, 70) ? "batchnorm()," : "batchnorm { eps = 0.001, momentum = 0.3 },");
}

static const char *draw_table(struct writer *w)
{
    static const char *const tables[] = {"",
                                         ", table = exact()",
                                         ", table = tangent(0.1)",
                                         ", table = tangent(0.02, { max = 3 })",
                                         ", table = minimax(0.03)",
                                         ", table = weighted(0.02, { histogram = "
                                         "{ from = -3, to = 4, counts = { 1, 5, 9, 4, 1 } } })"};
    return tables[between(w->draw, 0, 5)];
}

/* An activation with trained parameters. */
static void add_learned(struct writer *w)
{
    struct draw *d = w->draw;
    int n[4];
    const char *shared = chance(d, 40) ? "true" : "false";
    switch (between(d, 0, w->exact ? 0 : w->flat ? 3 : 4)) {
    case 0:
        put(w, chance(d, 50) ? "prelu()," : "prelu { init = -0.5, shared = %s },", shared);
        break;
    case 1:
        put(w, "elu_learned { a = %d, shared = %s },", between(d, 1, 2), shared);
        break;
    case 2:
        draw_numbers(d, n, 4, (int[]){1, 3, -1, 1, 1, 3, -3, 30});
        put(w, "dynamic { L = %d, Q = %d, I = %d.5, P = %d, Z = 7, learn = true },", n[3], n[2],
            n[1], 2 * n[0]);
        break;
    case 3:
        put(w, "dynamic { L = 55.9344, Q = 12, I = 0.02924, learn = true },");
        break;
    default:
        draw_numbers(d, n, 2, (int[]){1, 9, 1, 3});
        put(w, "dynamic_relu { k = %d, reduction = %d },", n[1], n[0]);
        w->weighted += 2;
    }
}

static void add_activation(struct writer *w)
{
    struct draw *d = w->draw;
    int n[3];
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
            table = chance(d, 50) ? "" : ", table = tangent(0.05)";
            put(w, "curve { f = function(x) return math.max(%d, x) - 0.5 / (1 + x * x) end%s },",
                between(d, -1, 1), table);
            break;
        }
        draw_numbers(d, n, 2, (int[]){-1, 2, -1, 1});
        put(w, "piecewise { { -1, %d }, { 0.5, %d }, { 2, 1.5 } },", n[1], n[0]);
        break;
    case 11:
        put(w, "dynamic { L = %d, Q = 0.5, I = 1.5, P = 4, Z = 7%s },", between(d, 1, 30), table);
        break;
    default:
        draw_numbers(d, n, 3, (int[]){-1, 1, 1, 12, 0, 55});
        put(w, "dynamic { L = %d.25, Q = %d, I = %d.125%s },", n[2], n[1], n[0], table);
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
    int n[3], size = 2 * between(w->draw, 0, min_int(w->c - 1, 3)) + 1;
    if (w->exact)
        return;
    draw_numbers(w->draw, n, 3, (int[]){1, 2, 0, 3, 0, 9});
    put(w, "lrn { size = %d, alpha = 0.%d, beta = %s, k = %d },", size, n[2], betas[n[1]], n[0]);
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
    enum { LARGE = 2000 }; /* no memory holds the weights from so many numbers to as many */
    int kind = between(w->draw, 1, 10);
    if (kind <= 4 && w->flat && w->c <= LARGE)
        add_linear(w, w->c);
    else if (kind <= 4 && w->flat)
        add_activation(w);
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

static void add_branch_conv(struct writer *w, int channels)
{
    const char *bias = chance(w->draw, 50) ? "true" : "false";
    put(w, "conv(%d, %d, { bias = %s }),", channels, between(w->draw, 1, 3), bias);
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
                add_branch_conv(w, channels);
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
        check_bug(w->h == height && w->w == width);
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

bool draws_chain(uint64_t seed)
{
    return seed % 5 == 3;
}

/* Convolutions of one group, curves and pools, as a chain has them. */
static void add_chain(struct writer *w)
{
    for (int i = between(w->draw, 1, 3); i > 0; i--) {
        add_conv_of(w, false, between(w->draw, 1, w->exact ? 8 : 20), 1);
        if (chance(w->draw, 30))
            put(w, "leaky_relu(0.5),");
        else if (chance(w->draw, 60))
            add_activation(w);
        if (chance(w->draw, 60))
            add_pool(w);
    }
    add_flatten(w);
}

int batch_of(const char *spec)
{
    const char *batch = strstr(spec, "-- batch (");
    return batch ? (int)strtol(batch + strlen("-- batch ("), NULL, 10) : 1;
}

struct text random_spec(struct draw *draw, bool exact)
{
    struct writer w = {.draw = draw, .exact = exact, .batch = between(draw, 1, 9)};
    bool chain = draws_chain(draw->seed);
    if (exact)
        w.batch = 1 << between(draw, 0, chain ? 5 : 3);
    else if (chain)
        w.batch = between(draw, 1, 40);
    text_printf(&w.lua, "return network {\n");
    put(&w, "-- batch (%d)", w.batch);
    w.c = between(draw, 1, chain ? 4 : exact ? 20 : 40);
    w.h = w.w = 1;
    w.flat = !chain && chance(draw, 15);
    if (w.flat) {
        put(&w, "input = vector(%d),", w.c);
    } else {
        if (!chance(draw, 5)) {
            w.h = between(draw, 1, exact ? 8 : 20);
            w.w = between(draw, 1, exact ? 8 : 20);
        }
        put(&w, "input = image(%d, %d, %d),", w.c, w.h, w.w);
    }
    if (chain)
        add_chain(&w);
    else
        add_layers(&w);
    add_ending(&w);
    text_printf(&w.lua, "}\n");
    return w.lua;
}
