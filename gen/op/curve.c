/*
 * curve: y = f(x), element by element, f an activation curve (gen/curve.h): its inequality table
 * where it has one, else its closed form. Input x; output y.
 *
 * Gradient: dx = dy * f'(x), the exact slope of what was applied.
 *
 * The float kernels walk through the table piece by piece over a run of elements that stays in the
 * L1 cache, so that the inner loops are comparisons and selections that vectorise.
 */
#include "rules.h"

static double flops_curve(const struct node *node)
{
    const struct table *table = node->curve->table;
    return output_elements(node) * (table ? 2.0 * table->count : 8);
}

/* Closed forms but Dynamic's are made of exp. */
static double tolerance_curve(const struct node *node, int count, int output)
{
    (void)count, (void)output;
    const struct curve *curve = node->backward ? node->forward->curve : node->curve;
    return curve->table ? 4e-6 : 4e-5;
}

/* ---- float ---- */

enum { RUN_OF_ELEMENTS = 1024 };

/* The largest float that is not above X: y > x and y > round_down(x) are the same for a float y. */
static float round_down(double x)
{
    float nearest = (float)x;
    return (double)nearest > x ? nextafterf(nearest, -INFINITY) : nearest;
}

/* chosen = value where x > FROM: one selection a loop, which vectorises. */
static void choose_above(const float *restrict x, float from, float value, float *restrict chosen,
                         int count)
{
#pragma omp simd
    for (int i = 0; i < count; i++)
        chosen[i] = x[i] > from ? value : chosen[i];
}

static void fill(float *numbers, float value, int count)
{
    for (int i = 0; i < count; i++)
        numbers[i] = value;
}

static void table_values(const struct table *table, const float *restrict x, float *restrict y,
                         int count)
{
    const struct piece *pieces = table->pieces;
    float slopes[RUN_OF_ELEMENTS], intercepts[RUN_OF_ELEMENTS];
    fill(slopes, (float)pieces[0].slope, count);
    fill(intercepts, (float)pieces[0].intercept, count);
    for (int piece = 1; piece < table->count; piece++) {
        float from = round_down(pieces[piece].from);
        choose_above(x, from, (float)pieces[piece].slope, slopes, count);
        choose_above(x, from, (float)pieces[piece].intercept, intercepts, count);
    }
#pragma omp simd
    for (int i = 0; i < count; i++)
        y[i] = slopes[i] * x[i] + intercepts[i];
}

static void table_slopes(const struct table *table, const float *restrict x,
                         const float *restrict dy, float *restrict dx, int count)
{
    const struct piece *pieces = table->pieces;
    fill(dx, (float)pieces[0].slope, count);
    for (int piece = 1; piece < table->count; piece++)
        choose_above(x, round_down(pieces[piece].from), (float)pieces[piece].slope, dx, count);
#pragma omp simd
    for (int i = 0; i < count; i++)
        dx[i] *= dy[i];
}

/* Closed forms in float, by x and the curve's only parameter. */
typedef float (*float_form)(float x, float a);

static float sigmoid_value(float x, float a)
{
    (void)a;
    return 1 / (1 + expf(-x));
}

static float sigmoid_slope(float x, float a)
{
    (void)a;
    float e = expf(-fabsf(x));
    return e / ((1 + e) * (1 + e));
}

static float tanh_value(float x, float a)
{
    (void)a;
    return tanhf(x);
}

/* 1 - tanh(x)^2 without the difference: 4 e / (1 + e)^2 for e = exp(-2 |x|). */
static float tanh_slope(float x, float a)
{
    (void)a;
    float e = expf(-2 * fabsf(x));
    return 4 * e / ((1 + e) * (1 + e));
}

static float softplus_value(float x, float a)
{
    (void)a;
    return (x < 0 ? 0 : x) + log1pf(expf(-fabsf(x)));
}

static float elu_value(float x, float a)
{
    return x > 0 ? x : a * expm1f(x);
}

static float elu_slope(float x, float a)
{
    return x > 0 ? 1 : a * expf(x);
}

static float silu_value(float x, float a)
{
    (void)a;
    return x < -100 ? 0 : x / (1 + expf(-x));
}

static float silu_slope(float x, float a)
{
    (void)a;
    float t = fminf(fabsf(x), 100), e = expf(-t), u = e / (1 + e), d = u - t * u * (1 - u);
    return x > 0 ? 1 - d : d;
}

static float normal_tail(float t)
{
    return erfcf(t * 0.70710678f) / 2;
}

static float gelu_value(float x, float a)
{
    (void)a;
    return x < -20 ? 0 : x * normal_tail(-x);
}

static float gelu_slope(float x, float a)
{
    (void)a;
    float t = fminf(fabsf(x), 20), d = normal_tail(t) - t * expf(-t * t / 2) * 0.39894228f;
    return x > 0 ? 1 - d : d;
}

static float hardswish_value(float x, float a)
{
    (void)a;
    return x < -3 ? 0 : x > 3 ? x : x * (x + 3) / 6;
}

static float hardswish_slope(float x, float a)
{
    (void)a;
    return x < -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5f;
}

/* Kinds that are not here (Dynamic) go through double. */
static const struct {
    float_form value, slope;
} float_forms[CURVE_KINDS] = {
    [CURVE_SIGMOID] = {sigmoid_value, sigmoid_slope},
    [CURVE_TANH] = {tanh_value, tanh_slope},
    [CURVE_SOFTPLUS] = {softplus_value, sigmoid_value},
    [CURVE_ELU] = {elu_value, elu_slope},
    [CURVE_SILU] = {silu_value, silu_slope},
    [CURVE_GELU] = {gelu_value, gelu_slope},
    [CURVE_HARDSWISH] = {hardswish_value, hardswish_slope},
};

static void closed_values(const struct curve *curve, const float *x, float *y, int count)
{
    float_form form = float_forms[curve->kind].value;
    float a = (float)curve->parameter[0];
    for (int i = 0; i < count; i++)
        y[i] = form ? form(x[i], a) : (float)curve_value(curve, (double)x[i]);
}

static void closed_slopes(const struct curve *curve, const float *x, const float *dy, float *dx,
                          int count)
{
    float_form form = float_forms[curve->kind].slope;
    float a = (float)curve->parameter[0];
    for (int i = 0; i < count; i++)
        dx[i] = dy[i] * (form ? form(x[i], a) : (float)curve_slope(curve, (double)x[i]));
}

static void forward_float(const struct node *node, struct run *run)
{
    const struct curve *curve = node->curve;
    const float *x = array_of(run, node->inputs[0]);
    float *y = array_of(run, node->outputs[0]);
    size_t numbers = numbers_of(run, node->outputs[0]);
#pragma omp parallel for
    for (size_t at = 0; at < numbers; at += RUN_OF_ELEMENTS) {
        int count = numbers - at < RUN_OF_ELEMENTS ? (int)(numbers - at) : RUN_OF_ELEMENTS;
        if (curve->table)
            table_values(curve->table, x + at, y + at, count);
        else
            closed_values(curve, x + at, y + at, count);
    }
}

static void backward_float(const struct node *node, struct run *run)
{
    const struct curve *curve = node->forward->curve;
    const float *x = array_of(run, node->inputs[0]), *dy = array_of(run, output_gradient(node));
    float *dx = array_of(run, node->outputs[0]);
    size_t numbers = numbers_of(run, node->inputs[0]);
    if (!dx)
        return;
#pragma omp parallel for
    for (size_t at = 0; at < numbers; at += RUN_OF_ELEMENTS) {
        int count = numbers - at < RUN_OF_ELEMENTS ? (int)(numbers - at) : RUN_OF_ELEMENTS;
        if (curve->table)
            table_slopes(curve->table, x + at, dy + at, dx + at, count);
        else
            closed_slopes(curve, x + at, dy + at, dx + at, count);
    }
}

/* ---- double ---- */

static void forward_double(const struct node *node, struct run *run)
{
    const double *x = array_of(run, node->inputs[0]);
    double *y = array_of(run, node->outputs[0]);
    size_t numbers = numbers_of(run, node->outputs[0]);
#pragma omp parallel for
    for (size_t i = 0; i < numbers; i++)
        y[i] = curve_applied_value(node->curve, x[i]);
}

static void backward_double(const struct node *node, struct run *run)
{
    const double *x = array_of(run, node->inputs[0]), *dy = array_of(run, output_gradient(node));
    double *dx = array_of(run, node->outputs[0]);
    size_t numbers = numbers_of(run, node->inputs[0]);
    if (!dx)
        return;
#pragma omp parallel for
    for (size_t i = 0; i < numbers; i++)
        dx[i] = dy[i] * curve_applied_slope(node->forward->curve, x[i]);
}

const struct op_rules op_curve = {
    .name = "curve",
    .shape = shape_same,
    .flops = flops_curve,
    .forward = {forward_float, forward_double},
    .backward = {backward_float, backward_double},
    .tolerance = tolerance_curve,
};
