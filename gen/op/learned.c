/*
 * learned: y = f(x), element by element, f an activation whose parameters are trained, or stand
 * with the weights. Inputs x (image or flat) and the parameters; output y.
 *
 *   prelu          x > 0 ? x : a x               He et al. 2015, as torch.nn.PReLU
 *   elu_learned    x > 0 ? x : a (exp(x) - 1)    Clevert et al. 2016, a trained
 *   dynamic        x > 0 ? x + L / (|Q| (x + I)^P + Z) - L / (|Q| (x - I)^P + Z) : 0
 *   table          slope[k] x + intercept[k], k the last piece with x > from[k]
 *
 * a is `weight`, one a channel or, shared, one; L, Q, I are one each; P and Z are constants.
 * `table` is three rows of numbers, from, slope and intercept of each piece: the first piece is
 * from -FLT_MAX, pieces that are not needed repeat the last one from FLT_MAX (finite, as all that a
 * state holds). It is not trained: a search writes it into the weights, so that one program serves
 * all its curves.
 *
 * Gradients: dx = dy f'(x); of a parameter p the sum of dy df/dp over the elements that it serves.
 * At x = 0 the slope is that of the left side, as PyTorch has it.
 *
 * dynamic stays defined wherever training moves it: P is even, so that both powers are 0 or more; Z
 * is above 0; and Q counts by its absolute value, so that both denominators are Z or more and f is
 * continuous at 0. |Q| rather than exp or softplus of a hidden weight: a file holds Q itself as the
 * formula has it (-Q is the same curve), and the optimizer's steps mean for Q what they mean for L
 * and I. At Q = 0, where f is x, |Q| has a corner: there its slope is that of the right side.
 *
 * With u = x + I, w = x - I, A = |Q| u^P + Z, B = |Q| w^P + Z and, for even P, u^P - w^P = 4 x I T
 * where T = sum of u^2i w^2j over i + j = P/2 - 1 (no term is negative), nothing cancels in
 *
 *   f = x - L |Q| D,   df/dL = -|Q| D,   df/d|Q| = L D (1 - Z/A - Z/B),   D = 4 x I T / (A B)
 *   df/dx = 1 - L |Q| P (u^(P-1)/A^2 - w^(P-1)/B^2),   df/dI = -L |Q| P (u^(P-1)/A^2 + w^(P-1)/B^2)
 */
#ifndef REAL
#include "rules.h"
#include <stdlib.h>
#include <tgmath.h>

enum { MOST_PARAMETERS = 3, MOST_PIECES = 64 };

static const char *const suffixes[][MOST_PARAMETERS + 1] = {
    [LEARNED_PRELU] = {"weight"},
    [LEARNED_ELU] = {"weight"},
    [LEARNED_DYNAMIC] = {"L", "Q", "I"},
    [LEARNED_TABLE] = {"table"},
};

/* Their units: below, Dynamic's parameters hardly bend it. */
static const double units[][MOST_PARAMETERS] = {
    [LEARNED_PRELU] = {0},
    [LEARNED_ELU] = {0},
    [LEARNED_DYNAMIC] = {1, 0.01, 0.1},
};

static void check_dynamic(const struct node *node)
{
    const struct learned_attributes *a = &node->learned;
    if (a->power < 2 || a->power > 16 || a->power % 2 != 0)
        fail_node(node, "with learn, P must be even, 2 to 16, given %d: the curve could break",
                  a->power);
    if (!(a->z > 0))
        fail_node(node, "with learn, Z must be above 0, given %g: a denominator could vanish",
                  a->z);
    if (!(a->initial[1] >= 0))
        fail_node(node, "with learn, Q must be 0 or more, given %g", a->initial[1]);
}

static void add_table(struct graph *graph, struct node *node)
{
    const struct learned_attributes *a = &node->learned;
    check_bug(a->table && a->pieces >= 1 && a->pieces <= MOST_PIECES);
    struct tensor *table = add_weights(graph, node, TENSOR_BUFFER, suffixes[a->kind][0], 2,
                                       (const int[]){MOST_PARAMETERS, a->pieces}, LATHE_LISTED, 0);
    table->init_list = a->table;
}

void learned_add_parameters(struct graph *graph, struct node *node)
{
    const struct learned_attributes *a = &node->learned;
    int numbers = a->shared ? 1 : tensor_c(node->inputs[0]);
    if (a->kind == LEARNED_TABLE) {
        add_table(graph, node);
        return;
    }
    if (a->kind == LEARNED_DYNAMIC)
        check_dynamic(node);
    for (int i = 0; suffixes[a->kind][i]; i++)
        add_weights(graph, node, TENSOR_PARAMETER, suffixes[a->kind][i], 1, &numbers,
                    LATHE_CONSTANT, a->initial[i])
            ->unit = units[a->kind][i];
}

static void shape_learned(struct graph *graph, struct node *node)
{
    learned_add_parameters(graph, node);
    shape_same(graph, node);
}

static double flops_learned(const struct node *node)
{
    static const double flops[] = {[LEARNED_PRELU] = 2, [LEARNED_ELU] = 16, [LEARNED_DYNAMIC] = 12};
    const struct learned_attributes *a = &node->learned;
    return output_elements(node) * (a->kind == LEARNED_TABLE ? 2.0 * a->pieces : flops[a->kind]);
}

/* elu's exponential is an approximation in generated code. */
static double tolerance_learned(const struct node *node, int count, int output)
{
    (void)count, (void)output;
    const struct node *forward = node->backward ? node->forward : node;
    return forward->learned.kind == LEARNED_ELU ? 4e-5 : 4e-6;
}

static void magnitude_learned(const struct node *node, struct run *run);

#define KERNELS "learned.c"
#include "both.h"

const struct op_rules op_learned = {
    .name = "learned",
    .shape = shape_learned,
    .flops = flops_learned,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_learned,
    .magnitude = magnitude_learned,
};

/* The sizes of one element's terms of the parameters' gradients; dynamic's are sums themselves. */
static void term_sizes(const struct learned_attributes *a, const double *p, double x, double dy,
                       double *sizes)
{
    memset(sizes, 0, MOST_PARAMETERS * sizeof *sizes);
    rows_double[a->kind].sums(a, p, &x, &dy, 1, sizes);
    for (int i = 0; i < MOST_PARAMETERS; i++)
        sizes[i] = fabs(sizes[i]);
    if (a->kind != LEARNED_DYNAMIC || x <= 0)
        return;
    struct dynamic_double at = dynamic_at_double(a, p, x);
    sizes[1] = fabs(dy * at.l) * (fabs(at.d) + fabs(at.d - at.by_q));
    sizes[2] = fabs(dy * at.l * at.q) * a->power * (fabs(at.right) + fabs(at.left));
}

/* A parameter's gradient is a sum: of |dy df/dp|. What is not summed has its own size. */
static void magnitude_learned(const struct node *node, struct run *run)
{
    (node->backward ? backward_double : forward_double)(node, run);
    if (!node->backward)
        return;
    const struct learned_attributes *a = &node->forward->learned;
    const struct tensor *x = node->inputs[0];
    const double *from = array_of(run, x), *dy = array_of(run, output_gradient(node));
    size_t plane = plane_size(x), planes = (size_t)run->count * (size_t)tensor_c(x);
    double *sums[MOST_PARAMETERS];
    int parameters = a->kind == LEARNED_TABLE ? 0 : node->forward->input_count - 1;
    for (int i = 0; i < parameters; i++) {
        sums[i] = array_of(run, node->outputs[1 + i]);
        memset(sums[i], 0, tensor_elements(node->inputs[1 + i]) * sizeof *sums[i]);
    }
    for (size_t p = 0; p < planes; p++) {
        int channel = (int)(p % (size_t)tensor_c(x));
        double room[MOST_PARAMETERS];
        const double *values = parameters_of_double(node, run, channel, room);
        for (size_t k = p * plane; parameters && k < (p + 1) * plane; k++) {
            double sizes[MOST_PARAMETERS];
            term_sizes(a, values, from[k], dy[k], sizes);
            for (int i = 0; i < parameters; i++)
                sums[i][a->shared ? 0 : channel] += sizes[i];
        }
    }
}
#else

/* What a kind computes over COUNT elements of one channel with the parameters P: y; dx; and, added
 * to SUMS, the terms of the parameters' gradients. */
struct KERNEL(row) {
    void (*values)(const struct learned_attributes *a, const REAL *p, const REAL *x, REAL *y,
                   size_t count);
    void (*slopes)(const struct learned_attributes *a, const REAL *p, const REAL *x, const REAL *dy,
                   REAL *dx, size_t count);
    void (*sums)(const struct learned_attributes *a, const REAL *p, const REAL *x, const REAL *dy,
                 size_t count, double *sums);
};

/* ---- prelu ---- */

static void KERNEL(prelu_values)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                                 REAL *y, size_t count)
{
    (void)a;
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] > 0 ? x[i] : p[0] * x[i];
}

static void KERNEL(prelu_slopes)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                                 const REAL *dy, REAL *dx, size_t count)
{
    (void)a;
    for (size_t i = 0; i < count; i++)
        dx[i] = x[i] > 0 ? dy[i] : p[0] * dy[i];
}

static void KERNEL(prelu_sums)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                               const REAL *dy, size_t count, double *sums)
{
    (void)a, (void)p;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] > 0 ? 0 : (double)x[i] * (double)dy[i];
    sums[0] += sum;
}

/* ---- elu ---- */

static void KERNEL(elu_values)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                               REAL *y, size_t count)
{
    (void)a;
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] > 0 ? x[i] : p[0] * expm1(x[i]);
}

static void KERNEL(elu_slopes)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                               const REAL *dy, REAL *dx, size_t count)
{
    (void)a;
    for (size_t i = 0; i < count; i++)
        dx[i] = x[i] > 0 ? dy[i] : p[0] * exp(x[i]) * dy[i];
}

static void KERNEL(elu_sums)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                             const REAL *dy, size_t count, double *sums)
{
    (void)a, (void)p;
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] > 0 ? 0 : (double)expm1(x[i]) * (double)dy[i];
    sums[0] += sum;
}

/* ---- dynamic ---- */

/* The curve at X > 0 in the names of the head of this file. */
struct KERNEL(dynamic) {
    REAL l, q, d, by_q; /* q: |Q|; by_q: D (1 - Z/A - Z/B) */
    REAL right, left;   /* u^(P-1)/A^2, w^(P-1)/B^2 */
};

/* Beyond u^P = 2^100 both fractions are 0 to any float, and their powers overflow later on. */
static struct KERNEL(dynamic)
    KERNEL(dynamic_at)(const struct learned_attributes *a, const REAL *p, REAL x)
{
    REAL l = p[0], q = fabs(p[1]), shift = p[2], z = (REAL)a->z;
    REAL most = (REAL)exp2(100.0 / a->power);
    REAL u = fmin(fmax(x + shift, -most), most), w = fmin(fmax(x - shift, -most), most);
    REAL uu = u * u, ww = w * w, before_u = u, before_w = w; /* u^(P-1) */
    REAL terms = 1, last = 1;                                /* T, and u^(P-2) */
    for (int i = 1; i < a->power / 2; i++) {
        last *= uu;
        terms = terms * ww + last;
        before_u *= uu;
        before_w *= ww;
    }
    REAL right = 1 / (q * before_u * u + z), left = 1 / (q * before_w * w + z);
    REAL d = 4 * fmin(x, most) * shift * terms * right * left;
    return (struct KERNEL(dynamic)){.l = l,
                                    .q = q,
                                    .d = d,
                                    .by_q = d * (1 - z * right - z * left),
                                    .right = before_u * right * right,
                                    .left = before_w * left * left};
}

static void KERNEL(dynamic_values)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                                   REAL *y, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct KERNEL(dynamic) at = KERNEL(dynamic_at)(a, p, x[i]);
        y[i] = x[i] <= 0 ? 0 : x[i] - at.l * at.q * at.d; /* NaN stays */
    }
}

static void KERNEL(dynamic_slopes)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                                   const REAL *dy, REAL *dx, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct KERNEL(dynamic) at = KERNEL(dynamic_at)(a, p, x[i]);
        REAL slope = 1 - at.l * at.q * (REAL)a->power * (at.right - at.left);
        dx[i] = x[i] > 0 ? dy[i] * slope : 0;
    }
}

static void KERNEL(dynamic_sums)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                                 const REAL *dy, size_t count, double *sums)
{
    double by_l = 0, by_q = 0, by_i = 0;
    REAL sign = p[1] < 0 ? -1 : 1;
    for (size_t i = 0; i < count; i++) {
        struct KERNEL(dynamic) at = KERNEL(dynamic_at)(a, p, x[i]);
        double g = x[i] > 0 ? (double)dy[i] : 0;
        by_l -= g * (double)(at.q * at.d);
        by_q += g * (double)(sign * at.l * at.by_q);
        by_i -= g * (double)(at.l * at.q * (REAL)a->power * (at.right + at.left));
    }
    sums[0] += by_l;
    sums[1] += by_q;
    sums[2] += by_i;
}

/* ---- table ---- */

/* The piece of the table P that X is in; the first of a NaN. */
static int KERNEL(piece_of)(const struct learned_attributes *a, const REAL *p, REAL x)
{
    int piece = 0;
    while (piece + 1 < a->pieces && x > p[piece + 1])
        piece++;
    return piece;
}

static void KERNEL(table_values)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                                 REAL *y, size_t count)
{
    const REAL *slopes = p + a->pieces, *intercepts = slopes + a->pieces;
    for (size_t i = 0; i < count; i++) {
        int piece = KERNEL(piece_of)(a, p, x[i]);
        y[i] = slopes[piece] * x[i] + intercepts[piece];
    }
}

static void KERNEL(table_slopes)(const struct learned_attributes *a, const REAL *p, const REAL *x,
                                 const REAL *dy, REAL *dx, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dx[i] = p[a->pieces + KERNEL(piece_of)(a, p, x[i])] * dy[i];
}

/* ---- the kernels ---- */

static const struct KERNEL(row) KERNEL(rows)[] = {
    [LEARNED_PRELU] = {KERNEL(prelu_values), KERNEL(prelu_slopes), KERNEL(prelu_sums)},
    [LEARNED_ELU] = {KERNEL(elu_values), KERNEL(elu_slopes), KERNEL(elu_sums)},
    [LEARNED_DYNAMIC] = {KERNEL(dynamic_values), KERNEL(dynamic_slopes), KERNEL(dynamic_sums)},
    [LEARNED_TABLE] = {KERNEL(table_values), KERNEL(table_slopes), NULL},
};

/* The parameters that serve CHANNEL, of a forward or backward node: in VALUES, or the table. */
static const REAL *KERNEL(parameters_of)(const struct node *node, const struct run *run,
                                         int channel, REAL *values)
{
    const struct node *forward = node->backward ? node->forward : node;
    if (forward->learned.kind == LEARNED_TABLE)
        return array_of(run, node->inputs[1]);
    for (int i = 1; i < forward->input_count; i++)
        values[i - 1] =
            ((const REAL *)array_of(run, node->inputs[i]))[forward->learned.shared ? 0 : channel];
    return values;
}

static void KERNEL(forward)(const struct node *node, struct run *run)
{
    const struct learned_attributes *a = &node->learned;
    const REAL *x = array_of(run, node->inputs[0]);
    REAL *y = array_of(run, node->outputs[0]);
    int channels = tensor_c(node->inputs[0]);
    size_t plane = plane_size(node->inputs[0]);
#pragma omp parallel for
    for (int p = 0; p < run->count * channels; p++) {
        REAL room[MOST_PARAMETERS];
        const REAL *values = KERNEL(parameters_of)(node, run, p % channels, room);
        KERNEL(rows)[a->kind].values(a, values, x + p * plane, y + p * plane, plane);
    }
}

/* The parameters' gradients of CHANNEL, by its numbers in all samples. */
static void KERNEL(channel_sums)(const struct node *node, const struct run *run, int channel,
                                 double *sums)
{
    const struct learned_attributes *a = &node->forward->learned;
    const REAL *x = array_of(run, node->inputs[0]), *dy = array_of(run, output_gradient(node));
    size_t plane = plane_size(node->inputs[0]), sample = tensor_elements(node->inputs[0]);
    REAL room[MOST_PARAMETERS];
    const REAL *values = KERNEL(parameters_of)(node, run, channel, room);
    for (int n = 0; n < run->count; n++) {
        size_t at = (size_t)n * sample + (size_t)channel * plane;
        KERNEL(rows)[a->kind].sums(a, values, x + at, dy + at, plane, sums);
    }
}

/* The gradients of the parameters. */
static void KERNEL(backward_sums)(const struct node *node, struct run *run)
{
    const struct learned_attributes *a = &node->forward->learned;
    int channels = tensor_c(node->inputs[0]);
    double(*sums)[MOST_PARAMETERS] = calloc((size_t)channels, sizeof *sums);
    if (!sums)
        fail(STATUS_RESOURCE, "out of memory: sums of %d channels", channels);
#pragma omp parallel for
    for (int c = 0; c < channels; c++)
        KERNEL(channel_sums)(node, run, c, sums[c]);
    for (int i = 1; i < node->forward->input_count; i++) {
        REAL *gradient = array_of(run, node->outputs[i]);
        double total = 0;
        for (int c = 0; c < channels; c++) {
            total += sums[c][i - 1];
            gradient[a->shared ? 0 : c] = (REAL)(a->shared ? total : sums[c][i - 1]);
        }
    }
    free(sums);
}

static void KERNEL(backward)(const struct node *node, struct run *run)
{
    const struct learned_attributes *a = &node->forward->learned;
    const REAL *x = array_of(run, node->inputs[0]), *dy = array_of(run, output_gradient(node));
    REAL *dx = array_of(run, node->outputs[0]);
    int channels = tensor_c(node->inputs[0]);
    size_t plane = plane_size(node->inputs[0]);
    if (a->kind != LEARNED_TABLE)
        KERNEL(backward_sums)(node, run);
#pragma omp parallel for
    for (int p = 0; p < (dx ? run->count * channels : 0); p++) {
        REAL room[MOST_PARAMETERS];
        const REAL *values = KERNEL(parameters_of)(node, run, p % channels, room);
        KERNEL(rows)
        [a->kind].slopes(a, values, x + p * plane, dy + p * plane, dx + p * plane, plane);
    }
}
#endif
