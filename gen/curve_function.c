/*
 * curve_function: any function, sampled so densely that straight lines between the samples stand
 * for it. Nothing encloses a function that is only called, so this is where proofs end: between
 * samples, which are taken where the function bends, it is believed to do what they show.
 */
#include "curve_kind.h"

enum {
    STRAIGHT_BY = 1 << 14, /* and here it must have become straight */
    STEPS_A_DOUBLING = 4,
    LAST_DOUBLING =
        20 * STEPS_A_DOUBLING, /* out to 2^20 a function is looked at where no max is given */
    DENSE = 8, /* up to here there are samples every 1/64, farther out as many a doubling */
    STEPS = 64,
    MOST_POINTS = 1 << 20
};

/* ---- as a curve ---- */

/* The segment of SAMPLES that X is in, or ends: 0 is before the first point, point_count after the
 * last one, else it begins at point i - 1. */
static int segment_at(const struct curve *curve, double x)
{
    int low = 0, high = curve->point_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (x <= curve->points[middle].x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static double segment_slope(const struct curve *curve, int i)
{
    if (i == 0 || i == curve->point_count)
        return curve->tails[i > 0].slope;
    struct curve_point a = curve->points[i - 1], b = curve->points[i];
    return (b.y - a.y) / (b.x - a.x);
}

static double segment_value(const struct curve *curve, int i, double x)
{
    if (i == 0 || i == curve->point_count)
        return curve->tails[i > 0].slope * x + curve->tails[i > 0].intercept;
    return curve->points[i].y + segment_slope(curve, i) * (x - curve->points[i].x);
}

double function_value(const struct curve *curve, double x)
{
    if (isnan(x))
        return x;
    int i = segment_at(curve, x);
    if (isinf(x) && curve->tails[i > 0].slope == 0)
        return curve->tails[i > 0].intercept;
    return segment_value(curve, i, x);
}

double function_slope(const struct curve *curve, double x)
{
    return segment_slope(curve, segment_at(curve, x));
}

struct line function_asymptote(const struct curve *curve, int side)
{
    return curve->tails[side > 0];
}

/* From here on there is no distance. */
double function_falling_from(const struct curve *curve)
{
    return fmax(fmax(-curve->points[0].x, curve->points[curve->point_count - 1].x), 0) *
           (1 + 1e-12);
}

/* Of a range only the bend is looked at: none inside a segment, nothing known across samples. */
struct jet function_residue(const struct curve *curve, int side, struct range t)
{
    double tail = curve->tails[side > 0].slope;
    double inner = side * t.low, outer = side * nextafter(t.high, t.low < t.high ? 0 : INFINITY);
    int i = segment_at(curve, outer), j = segment_at(curve, side * nextafter(t.low, INFINITY));
    double value = function_value(curve, inner) - tail * inner;
    return (struct jet){exactly(value), exactly(side * (segment_slope(curve, i) - tail)),
                        i == j ? exactly(0) : everything};
}

/* The sample nearest to the middle, so that boxes end where segments do. */
double function_cut(const struct curve *curve, int side, double a, double b)
{
    double middle = a + (b - a) / 2;
    int i = segment_at(curve, side * middle);
    for (int j = i > 0 ? i - 1 : 0; j <= i && j < curve->point_count; j++) {
        double t = side * curve->points[j].x;
        if (t > a && t < b)
            return t;
    }
    return middle;
}

/* Raise *MOST to the largest gap of SEGMENT and PIECE, of values or slopes. */
static void look_at(const struct curve *curve, int segment, const struct piece *piece,
                    bool of_slopes, double *most)
{
    const struct curve_point *points = curve->points;
    double from = segment > 0 ? points[segment - 1].x : -INFINITY;
    double to = segment < curve->point_count ? points[segment].x : INFINITY;
    from = fmax(from, piece->from);
    to = fmin(to, piece->to);
    if (from >= to)
        return;
    if (of_slopes) {
        *most = fmax(*most, fabs(segment_slope(curve, segment) - piece->slope));
        return;
    }
    double ends[] = {isinf(from) ? to : from, isinf(to) ? from : to};
    for (int i = 0; i < 2; i++)
        *most =
            fmax(*most, fabs(segment_value(curve, segment, ends[i]) - piece_value(piece, ends[i])));
}

double function_error(const struct curve *curve, const struct table *table, bool of_slopes)
{
    double most = 0;
    for (int i = 0; i < table->count; i++) {
        const struct piece *piece = &table->pieces[i];
        int last = segment_at(curve, piece->to);
        for (int segment = segment_at(curve, piece->from); segment <= last; segment++)
            look_at(curve, segment, piece, of_slopes, &most);
    }
    return of_slopes ? most : fmax(most + curve->deviation, curve->tail_deviation);
}

/* ---- sampling ---- */

struct sampler {
    struct arena *arena;
    double (*f)(void *context, double x);
    void *context;
    bool endless;     /* no max is given */
    double tolerance; /* of chords */
    double deviation; /* of chords, the largest seen */
    struct point_list points;
    const char *problem; /* the first one found */
};

/* F at X; something finite even where F is not, once the problem is noted. */
static double sample(struct sampler *sampler, double x)
{
    if (sampler->problem)
        return 0;
    double y = sampler->f(sampler->context, x);
    if (fabs(y) <= FLT_MAX)
        return y;
    sampler->problem = arena_printf(
        sampler->arena, "f(%.9g) is %s%s", x,
        isnan(y)   ? "nan"
        : isinf(y) ? (y > 0 ? "inf" : "-inf")
                   : "beyond the range of floats",
        sampler->endless && fabs(x) > DENSE ? " (a table with a max asks for no x beyond it)" : "");
    return 0;
}

static void add_point(struct sampler *sampler, struct curve_point p)
{
    if (sampler->points.count >= MOST_POINTS && !sampler->problem)
        sampler->problem =
            arena_printf(sampler->arena, "f bends too often: more than %d samples", MOST_POINTS);
    if (!sampler->problem)
        vector_push(sampler->arena, &sampler->points, p);
}

/* Add samples behind A as far as B, so close that chords are within the tolerance at three places
 * of each. A kink needs closer ones the nearer it is; a jump never has enough. */
static void refine(struct sampler *sampler, struct curve_point a, struct curve_point b)
{
    struct curve_point inner[5] = {a};
    double deviation = 0, width = b.x - a.x;
    for (int i = 1; i < 4; i++) {
        inner[i].x = a.x + i * width / 4;
        inner[i].y = sample(sampler, inner[i].x);
        deviation = fmax(deviation, fabs(inner[i].y - (a.y + (b.y - a.y) * i / 4)));
    }
    inner[4] = b;
    if (sampler->problem)
        return;
    if (deviation > sampler->tolerance && width < 1e-12 * fmax(1, fabs(a.x))) {
        sampler->problem = arena_printf(sampler->arena,
                                        "f jumps, or is too steep, at x = %.9g (from %.9g to %.9g)",
                                        b.x, a.y, b.y);
        return;
    }
    if (deviation > sampler->tolerance) {
        refine(sampler, a, inner[2]);
        refine(sampler, inner[2], b);
        return;
    }
    sampler->deviation = fmax(sampler->deviation, deviation);
    for (int i = 1; i <= 4; i++)
        add_point(sampler, inner[i]);
}

/* Where the sample after T stands, for T >= 0. */
static double next_place(double t)
{
    if (t < DENSE)
        return t + 1.0 / STEPS;
    return t * (1 + 1.0 / (DENSE * STEPS));
}

/* Samples from -REACH to REACH. */
static void sample_range(struct sampler *sampler, double reach)
{
    struct point_list places = {0};
    struct curve_point zero = {0, 0};
    for (double t = 0; t < reach; t = next_place(t)) {
        zero.x = t;
        vector_push(sampler->arena, &places, zero);
    }
    struct curve_point last = {-reach, sample(sampler, -reach)};
    add_point(sampler, last);
    for (int i = 1 - places.count; i <= places.count && !sampler->problem; i++) {
        int place = i < 0 ? -i : i;
        double x = place == places.count ? reach : places.items[place].x;
        struct curve_point next = {i < 0 ? -x : x, 0};
        next.y = sample(sampler, next.x);
        refine(sampler, last, next);
        last = next;
    }
}

/* ---- tails ---- */

static double doubling(int i)
{
    return exp2((double)i / STEPS_A_DOUBLING);
}

/* How far F is at X from TAIL, beyond what floats make of a line. */
static double off_tail(struct sampler *sampler, struct line tail, double x)
{
    double off = sample(sampler, x) - tail.slope * x - tail.intercept;
    return fabs(off) - FLT_EPSILON * (fabs(tail.slope * x) + fabs(tail.intercept));
}

/* The line through the two outermost samples on SIDE, and in *START an |x| from which on F is
 * within a quarter of K of it. */
static struct line straight_tail(struct sampler *sampler, int side, double k, double *start)
{
    double far = side * doubling(LAST_DOUBLING), middle = far / 2;
    double y = sample(sampler, far), slope = (y - sample(sampler, middle)) / (far - middle);
    struct line tail = {as_float(slope), as_float(y - slope * far)};
    *start = fabs(far);
    for (int i = LAST_DOUBLING; i >= 0; i--) {
        double x = side * doubling(i);
        if (off_tail(sampler, tail, x) > k / 4)
            break;
        *start = fabs(x);
    }
    if (*start > STRAIGHT_BY && !sampler->problem)
        sampler->problem =
            arena_printf(sampler->arena,
                         "f does not become straight towards x = %sinfinity (far out its slope is "
                         "%g, and not so from x = %d on): give one that does, or the table a max",
                         side < 0 ? "-" : "", slope, side * STRAIGHT_BY);
    return tail;
}

/* How far F was seen from the tails, from REACH on. */
static double tails_deviation(struct sampler *sampler, const struct line *tails, double reach)
{
    double most = 0;
    for (int i = LAST_DOUBLING; i >= 0 && doubling(i) >= reach; i--)
        for (int side = 0; side < 2; side++)
            most = fmax(most, off_tail(sampler, tails[side], side ? doubling(i) : -doubling(i)));
    return most;
}

/* The line on which the samples go on beyond X, along their last slope. */
static struct line line_beyond(struct sampler *sampler, double x)
{
    double y = sample(sampler, x), near = x * (1 - 1e-4);
    double slope = as_float((y - sample(sampler, near)) / (x - near));
    return (struct line){slope, as_float(y - slope * x)};
}

const char *curve_sample(struct arena *arena, struct curve *curve,
                         double (*f)(void *context, double x), void *context)
{
    struct sampler sampler = {.arena = arena,
                              .f = f,
                              .context = context,
                              .endless = curve->max == 0,
                              .tolerance = curve->k / 1000};
    double reach = curve->max;
    if (reach > 0) {
        curve->tails[0] = line_beyond(&sampler, -reach);
        curve->tails[1] = line_beyond(&sampler, reach);
    } else {
        double left, right;
        curve->tails[0] = straight_tail(&sampler, -1, curve->k, &left);
        curve->tails[1] = straight_tail(&sampler, 1, curve->k, &right);
        reach = 4 * fmax(left, right) + 4;
        curve->tail_deviation = tails_deviation(&sampler, curve->tails, reach);
    }
    if (!sampler.problem)
        sample_range(&sampler, reach);
    curve->points = sampler.points.items;
    curve->point_count = sampler.points.count;
    curve->deviation = sampler.deviation;
    return sampler.problem;
}
