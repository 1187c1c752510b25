/*
 * curve_weighted: the fewest straight pieces whose root-mean-square distance from a curve is at
 * most eps, weighed by a histogram of the numbers that the curve sees.
 *
 * Break points are chosen among candidates by dynamic programming (Bellman 1961, "On the
 * Approximation of Curves by Line Segments Using Dynamic Programming"). A continuous table is a
 * chain of links, each from a height over one candidate to a height over another, so a state is a
 * candidate, the number of pieces so far, and the height there. The least cost of a state is kept
 * as a function of that height: the lower envelope of parabolas, each the best of all heights
 * before it (Fearnhead, Maidstone and Letchford 2019, "Detecting Changes in Slope With an L0
 * Penalty"). So heights are free, not on the curve, and no table with break points among the
 * candidates has fewer pieces; of those with as few it has the least cost. That other break points
 * would do with fewer is possible, where the candidates are too coarse: they stand close where
 * (density f''^2)^(1/5) is large, in which proportion the best break points of a fine table stand
 * (de Boor 1973, "Good Approximation by Splines with Variable Knots").
 *
 * Numbers that the histogram has not seen may come all the same: a hundredth of the weight lies
 * evenly on the whole range of break points. The tails are the curve's asymptotes. Where f(0) = 0,
 * a break point is there, at height 0.
 *
 * The cost is a sum over Gauss's points between all bins' ends and candidates.
 */
#include "curve_kind.h"

#include <stdlib.h>

#define EVEN_SHARE 0.01
#define ADAPTED    0.75 /* of the candidates; the others stand evenly in asinh(x / FINEST) */
#define FINEST     0.02
enum { FINE_CELLS = 8192, FIRST_CANDIDATES = 128, MOST_CANDIDATES = 512, GAUSS = 3, ATTEMPTS = 4 };

/* A point where the distance is looked at, and its weight in the whole cost. */
struct sample {
    double x, f, seen, weight;
};

/* A chain's cost between two candidates by its heights s and t above the curve there:
 * ss s^2 + 2 st s t + tt t^2 + 2 s1 s + 2 t1 t + one. */
struct link {
    double ss, st, tt, s1, t1, one;
};

/* The cost of a state by its height u above the curve: a u^2 + b u + c, reached from the height of
 * parabola `via` (of the only height, where that is fixed) over candidate `from`. */
struct parabola {
    double a, b, c;
    int from, via;
};

struct state {
    struct parabola *items; /* those that are the least somewhere; none: not to be had */
    int count;
    bool fixed; /* only height u is possible, items[0].c its cost */
    double u;
};

struct search {
    struct arena *arena;
    const struct curve *curve;
    double low, high;          /* range of break points */
    double *x;                 /* candidates */
    int count, zero, crossing; /* zero: where the table must be 0, crossing: where the tails meet;
                                  -1: nowhere */
    struct line tails[2];
    struct sample *samples;
    int sample_count;
    int *first;            /* sample at or after candidate i; [count]: sample_count */
    double *tail_cost[2];  /* of the tail up to, or from, candidate i */
    struct link *links;    /* i * count + j */
    double budget;         /* the most that a table may cost */
    struct state **states; /* by pieces, then by candidate */
};

static double line_at(struct line line, double x)
{
    return line.slope * x + line.intercept;
}

/* ---- where to look ---- */

/* The histogram's density at X, of 1 in all. */
static double density(const struct histogram *histogram, double total, double x)
{
    double width = (histogram->to - histogram->from) / histogram->bins;
    if (!(x >= histogram->from && x < histogram->to))
        return 0;
    int bin = min_int((int)((x - histogram->from) / width), histogram->bins - 1);
    return histogram->counts[bin] / total / width;
}

static double total_of(const struct histogram *histogram)
{
    double sum = 0;
    for (int i = 0; i < histogram->bins; i++)
        sum += histogram->counts[i];
    return sum;
}

/* As far out on SIDE as break points may be: the histogram's end GIVEN, or max; and as far as the
 * curve takes to come near to its asymptote, half as far from it as at 0 at least. */
static double reach_of(const struct search *s, int side, double given)
{
    const struct curve *curve = s->curve;
    double apart = fabs(s->tails[side > 0].intercept - curve_value(curve, 0));
    double near = apart > 0 ? fmin(curve->k, apart / 2) : curve->k;
    return as_float(fmax(curve->max > 0 ? curve->max : given, nearest_end(curve, side, near)));
}

/* Where the tails meet; 0 where they do not. */
static double tails_crossing(const struct search *s)
{
    struct line left = s->tails[0], right = s->tails[1];
    double x = as_float((right.intercept - left.intercept) / (left.slope - right.slope));
    return fabs(x) <= LARGEST_X ? x : 0;
}

static void choose_range(struct search *s)
{
    double crossing = tails_crossing(s);
    s->low = -fmax(reach_of(s, -1, -s->curve->histogram->from), -crossing);
    s->high = fmax(reach_of(s, 1, s->curve->histogram->to), crossing);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Sort NUMBERS and leave each there once; returns how many are left. */
static int sort_once(double *numbers, int count)
{
    int kept = 0;
    qsort(numbers, (size_t)count, sizeof *numbers, by_value);
    for (int i = 0; i < count; i++)
        if (kept == 0 || numbers[i] > numbers[kept - 1])
            numbers[kept++] = numbers[i];
    return kept;
}

/* How much of all candidates belongs to each of the FINE_CELLS cells between the points X. */
static void weigh_cells(const struct search *s, const double *x, double *share)
{
    const struct histogram *histogram = s->curve->histogram;
    double total = total_of(histogram), even = EVEN_SHARE / (s->high - s->low), sum = 0;
    for (int i = 1; i < FINE_CELLS; i++) {
        double f[3];
        for (int k = 0; k < 3; k++)
            f[k] = curve_value(s->curve, x[i - 1 + k]);
        double right = (f[2] - f[1]) / (x[i + 1] - x[i]), left = (f[1] - f[0]) / (x[i] - x[i - 1]);
        double width = (x[i + 1] - x[i - 1]) / 2, bend = (right - left) / width;
        double weight = (1 - EVEN_SHARE) * density(histogram, total, x[i]) + even;
        share[i] = pow(weight * bend * bend, 0.2) * width;
        sum += share[i];
    }
    share[0] = 0;
    for (int i = 0; i < FINE_CELLS; i++)
        share[i] = (sum > 0 ? ADAPTED * share[i] / sum : 0) + (1 - ADAPTED) / FINE_CELLS;
}

/* Into X about COUNT candidates; returns how many. */
static int spread_candidates(struct search *s, int count, double *x)
{
    double from = asinh(s->low / FINEST), to = asinh(s->high / FINEST);
    double *fine = arena_array(s->arena, FINE_CELLS + 1, double);
    double *share = arena_array(s->arena, FINE_CELLS, double);
    for (int i = 0; i <= FINE_CELLS; i++)
        fine[i] = FINEST * sinh(from + (to - from) * i / FINE_CELLS);
    weigh_cells(s, fine, share);
    double sum = 0;
    int found = 0;
    for (int i = 0; i < FINE_CELLS; i++) {
        sum += share[i] * count;
        if (sum >= found + 1 && found < count)
            x[found++] = as_float(fine[i]);
    }
    return found;
}

static void choose_candidates(struct search *s, int count)
{
    const struct curve_row *row = row_of(s->curve);
    s->x = arena_array(s->arena, (size_t)count + 8, double);
    int found = spread_candidates(s, count, s->x);
    double crossing = tails_crossing(s);
    double more[] = {s->low, s->high, 0, crossing, row->kink, -row->kink};
    for (int i = 0; i < 6; i++)
        if (more[i] >= s->low && more[i] <= s->high)
            s->x[found++] = more[i] + 0.0; /* not -0 */
    s->count = sort_once(s->x, found);
    s->zero = s->crossing = -1;
    for (int i = 0; i < s->count; i++) {
        if (s->x[i] == 0 && curve_value(s->curve, 0) == 0)
            s->zero = i;
        if (s->x[i] == crossing && s->tails[0].slope != s->tails[1].slope)
            s->crossing = i;
    }
}

/* Gauss's points on a stretch where the density does not change. */
static void sample_stretch(struct search *s, double a, double b, double total)
{
    static const double places[GAUSS] = {0.1127016653792583, 0.5, 0.8872983346207417};
    static const double weights[GAUSS] = {5 / 18.0, 8 / 18.0, 5 / 18.0};
    double inside = density(s->curve->histogram, total, a + (b - a) / 2) * (b - a);
    double even = a >= s->low && b <= s->high ? (b - a) / (s->high - s->low) : 0;
    for (int i = 0; i < GAUSS && inside + even > 0; i++) {
        double x = a + (b - a) * places[i];
        s->samples[s->sample_count++] =
            (struct sample){x, curve_value(s->curve, x), weights[i] * inside,
                            weights[i] * ((1 - EVEN_SHARE) * inside + EVEN_SHARE * even)};
    }
}

static void take_samples(struct search *s)
{
    const struct histogram *histogram = s->curve->histogram;
    double width = (histogram->to - histogram->from) / histogram->bins;
    int count = s->count + histogram->bins + 1, done = 0;
    double *ends = arena_array(s->arena, (size_t)count, double);
    for (int i = 0; i < count; i++)
        ends[i] = i < s->count ? s->x[i] : histogram->from + (i - s->count) * width;
    ends[count - 1] = histogram->to;
    count = sort_once(ends, count);
    s->samples = arena_array(s->arena, (size_t)count * GAUSS, struct sample);
    s->first = arena_array(s->arena, (size_t)s->count + 1, int);
    for (int i = 0; i < count; i++) {
        if (done < s->count && ends[i] == s->x[done])
            s->first[done++] = s->sample_count;
        if (i + 1 < count)
            sample_stretch(s, ends[i], ends[i + 1], total_of(histogram));
    }
}

/* ---- costs ---- */

static struct link link_cost(const struct search *s, int i, int j)
{
    struct link link = {0};
    double from = s->x[i], width = s->x[j] - from;
    double f0 = curve_value(s->curve, from), f1 = curve_value(s->curve, s->x[j]);
    for (int k = s->first[i]; k < s->first[j]; k++) {
        const struct sample *p = &s->samples[k];
        double b = (p->x - from) / width, a = 1 - b, e = a * f0 + b * f1 - p->f;
        double wa = p->weight * a, wb = p->weight * b;
        link.ss += wa * a;
        link.st += wa * b;
        link.tt += wb * b;
        link.s1 += wa * e;
        link.t1 += wb * e;
        link.one += p->weight * e * e;
    }
    return link;
}

static void find_costs(struct search *s)
{
    s->links = arena_array(s->arena, (size_t)s->count * (size_t)s->count, struct link);
    for (int i = 0; i < s->count; i++)
        for (int j = i + 1; j < s->count; j++)
            s->links[i * s->count + j] = link_cost(s, i, j);
    for (int side = 0; side < 2; side++) {
        double sum = 0, *costs = s->tail_cost[side] = arena_array(s->arena, s->count, double);
        int sample = side ? s->sample_count - 1 : 0;
        for (int n = 0; n < s->count; n++) {
            int i = side ? s->count - 1 - n : n;
            for (; side ? sample >= s->first[i] : sample < s->first[i]; sample += side ? -1 : 1) {
                const struct sample *p = &s->samples[sample];
                double e = line_at(s->tails[side], p->x) - p->f;
                sum += p->weight * e * e;
            }
            costs[i] = sum;
        }
    }
}

/* How far tail SIDE is above the curve over candidate I. */
static double tail_height(const struct search *s, int side, int i)
{
    return line_at(s->tails[side], s->x[i]) - curve_value(s->curve, s->x[i]);
}

/* May the tail SIDE reach as far in as candidate I? Not past 0, nor to it, where it would not be 0
 * there. */
static bool tail_reaches(const struct search *s, int side, int i)
{
    bool past = s->zero >= 0 && (side ? i <= s->zero : i >= s->zero);
    return !past || s->tails[side].intercept == 0;
}

/* ---- envelopes ---- */

/* Where ITEM is the least; item -1: none is within the budget. */
struct stretch {
    double low, high;
    int item;
};

struct envelope {
    VECTOR(struct parabola) items;
    VECTOR(struct stretch) stretches, next;
};

static void put_stretch(struct arena *arena, struct envelope *e, double low, double high, int item)
{
    struct stretch *last = e->next.count ? &e->next.items[e->next.count - 1] : NULL;
    if (!(low < high))
        return;
    if (last && last->item == item) {
        last->high = high;
        return;
    }
    struct stretch stretch = {low, high, item};
    vector_push(arena, &e->next, stretch);
}

/* Where A u^2 + B u + C < 0: from *LOW to *HIGH, where A > 0; outside of them, where A < 0. False:
 * nowhere, or everywhere. */
static bool roots(double a, double b, double c, double *low, double *high)
{
    if (a == 0) {
        *low = b > 0 ? -INFINITY : -c / b;
        *high = b > 0 ? -c / b : INFINITY;
        return b != 0;
    }
    double square = b * b - 4 * a * c;
    if (!(square > 0))
        return false;
    double q = -(b + copysign(sqrt(square), b)) / 2, one = q / a, other = q != 0 ? c / q : 0;
    *low = fmin(one, other);
    *high = fmax(one, other);
    return true;
}

/* Split STRETCH where the parabola NEW, the envelope's item ITEM, is less. */
static void split_stretch(struct arena *arena, struct envelope *e, struct stretch stretch,
                          const struct parabola *new, int item, double budget)
{
    struct parabola old = {.c = budget};
    double low, high;
    if (stretch.item >= 0)
        old = e->items.items[stretch.item];
    double a = new->a - old.a, b = new->b - old.b, c = new->c - old.c;
    if (!roots(a, b, c, &low, &high)) {
        bool less = a < 0 || (a == 0 && b == 0 && c < 0);
        put_stretch(arena, e, stretch.low, stretch.high, less ? item : stretch.item);
        return;
    }
    low = fmin(fmax(low, stretch.low), stretch.high);
    high = fmin(fmax(high, stretch.low), stretch.high);
    int inner = a >= 0 ? item : stretch.item, outer = a >= 0 ? stretch.item : item;
    put_stretch(arena, e, stretch.low, low, outer);
    put_stretch(arena, e, low, high, inner);
    put_stretch(arena, e, high, stretch.high, outer);
}

/* Let NEW lower the envelope, which starts as BUDGET everywhere. */
static void lower_envelope(struct arena *arena, struct envelope *e, struct parabola new,
                           double budget)
{
    if (e->stretches.count == 0) {
        struct stretch all = {-INFINITY, INFINITY, -1};
        vector_push(arena, &e->stretches, all);
    }
    if (new.c - new.b *new.b / (4 * new.a) >= budget)
        return;
    int item = e->items.count;
    vector_push(arena, &e->items, new);
    e->next.count = 0;
    for (int i = 0; i < e->stretches.count; i++)
        split_stretch(arena, e, e->stretches.items[i], &new, item, budget);
    struct stretch *items = e->stretches.items;
    int capacity = e->stretches.capacity;
    bool used = false;
    for (int i = 0; i < e->next.count; i++)
        used |= e->next.items[i].item == item;
    if (!used) {
        e->items.count--;
        return;
    }
    e->stretches.items = e->next.items;
    e->stretches.count = e->next.count;
    e->stretches.capacity = e->next.capacity;
    e->next.items = items;
    e->next.capacity = capacity;
}

/* The parabolas that are the least somewhere, in the order they came. */
static struct state envelope_state(struct arena *arena, const struct envelope *e)
{
    struct state state = {0};
    bool *used = arena_array(arena, (size_t)e->items.count + 1, bool);
    for (int i = 0; i < e->stretches.count; i++)
        if (e->stretches.items[i].item >= 0)
            used[e->stretches.items[i].item] = true;
    for (int i = 0; i < e->items.count; i++)
        state.count += used[i];
    state.items = arena_array(arena, (size_t)state.count + 1, struct parabola);
    state.count = 0;
    for (int i = 0; i < e->items.count; i++)
        if (used[i])
            state.items[state.count++] = e->items.items[i];
    return state;
}

/* ---- states ---- */

static double parabola_at(const struct parabola *p, double u)
{
    return (p->a * u + p->b) * u + p->c;
}

/* STATE where its height is U; the place of the parabola that is the least there, -1 for none. */
static int least_at(const struct state *state, double u, double *cost)
{
    int best = -1;
    *cost = INFINITY;
    for (int i = 0; i < state->count; i++)
        if (parabola_at(&state->items[i], u) < *cost) {
            *cost = parabola_at(&state->items[i], u);
            best = i;
        }
    return best;
}

/* The height over the link's start that is the best for height U at its end. */
static double best_height(const struct state *state, int via, const struct link *link, double u)
{
    const struct parabola *p = &state->items[via];
    return state->fixed ? state->u
                        : -(p->b + 2 * link->s1 + 2 * link->st * u) / (2 * (link->ss + p->a));
}

/* What a LINK from parabola VIA of STATE, over candidate FROM, costs by the height at its end. */
static struct parabola follow_link(const struct state *state, int from, int via,
                                   const struct link *link)
{
    const struct parabola *p = &state->items[via];
    double s = state->u, a = link->ss + p->a, b = p->b + 2 * link->s1;
    if (state->fixed)
        return (struct parabola){link->tt, 2 * (link->t1 + link->st * s),
                                 link->one + (2 * link->s1 + link->ss * s) * s + p->c, from, via};
    return (struct parabola){link->tt - link->st * link->st / a, 2 * link->t1 - link->st * b / a,
                             link->one + p->c - b * b / (4 * a), from, via};
}

static struct state fixed_state(struct arena *arena, double u, double cost, int from, int via)
{
    struct state state = {.count = 1, .fixed = true, .u = u};
    state.items = arena_new_of(arena, struct parabola);
    *state.items = (struct parabola){0, 0, cost, from, via};
    return state;
}

/* All ways to candidate J by one piece more than STATES have. */
static struct state next_state(struct search *s, const struct state *states, int j)
{
    struct arena *work = arena_new();
    struct envelope envelope = {0};
    struct state state;
    for (int i = s->zero >= 0 && j > s->zero ? s->zero : 0; i < j; i++)
        for (int k = 0; k < states[i].count; k++) {
            const struct link *link = &s->links[i * s->count + j];
            lower_envelope(work, &envelope, follow_link(&states[i], i, k, link), s->budget);
        }
    state = envelope_state(s->arena, &envelope);
    arena_free(work);
    if (j != s->zero)
        return state;
    double cost;
    int best = least_at(&state, 0, &cost);
    if (best < 0)
        return (struct state){0};
    struct parabola p = state.items[best];
    return fixed_state(s->arena, 0, cost, p.from, p.via);
}

static void first_states(struct search *s)
{
    s->states = arena_array(s->arena, (size_t)s->count + 2, struct state *);
    s->states[1] = arena_array(s->arena, (size_t)s->count, struct state);
    for (int i = 0; i < s->count; i++)
        if (tail_reaches(s, 0, i) && s->tail_cost[0][i] < s->budget)
            s->states[1][i] = fixed_state(s->arena, tail_height(s, 0, i), s->tail_cost[0][i], 0, 0);
}

/* The candidate where the right tail begins best after PIECES others, within the budget; -1: there
 * is none. */
static int best_end(const struct search *s, int pieces)
{
    int best = -1;
    double least = s->budget, cost;
    for (int i = 0; i < s->count; i++) {
        const struct state *state = &s->states[pieces][i];
        if (state->count == 0 || !tail_reaches(s, 1, i))
            continue;
        if (state->fixed && pieces == 1 && i != s->crossing)
            continue;
        if (state->fixed && pieces > 1 && tail_height(s, 1, i) != state->u)
            continue;
        least_at(state, tail_height(s, 1, i), &cost);
        if (cost + s->tail_cost[1][i] <= least) {
            least = cost + s->tail_cost[1][i];
            best = i;
        }
    }
    return best;
}

/* Find how many pieces are needed before the right tail, and where that begins; false: there are
 * not enough candidates. */
static bool run_search(struct search *s, int *pieces, int *end)
{
    first_states(s);
    for (*pieces = 1; *pieces <= s->count; ++*pieces) {
        *end = best_end(s, *pieces);
        if (*end >= 0)
            return true;
        struct state *next = arena_array(s->arena, (size_t)s->count, struct state);
        for (int j = 0; j < s->count; j++)
            next[j] = next_state(s, s->states[*pieces], j);
        s->states[*pieces + 1] = next;
    }
    return false;
}

/* ---- from a chain to a table ---- */

/* The break points of the chain of PIECES before the tail that begins at candidate END. */
static struct curve_point *trace_chain(const struct search *s, int pieces, int end)
{
    struct curve_point *points = arena_array(s->arena, (size_t)pieces, struct curve_point);
    double u = tail_height(s, 1, end), cost;
    int at = end, via = least_at(&s->states[pieces][end], u, &cost);
    for (int p = pieces; p >= 1; p--) {
        const struct state *state = &s->states[p][at];
        double y = curve_value(s->curve, s->x[at]) + (state->fixed ? state->u : u);
        points[p - 1] = (struct curve_point){s->x[at], at == s->zero ? 0 : y};
        int from = state->items[via].from;
        if (p == 1)
            break;
        via = state->items[via].via;
        u = best_height(&s->states[p - 1][from], via, &s->links[from * s->count + at], u);
        at = from;
    }
    return points;
}

static struct table *table_of_chain(const struct search *s, struct arena *arena, int pieces,
                                    const struct curve_point *points)
{
    struct piece_list list = {0};
    struct line left = s->tails[0], right = s->tails[1];
    push_piece(arena, &list, (struct piece){-INFINITY, points[0].x, left.slope, left.intercept});
    for (int i = 0; i + 1 < pieces; i++) {
        struct piece piece = line_through(points[i], points[i + 1]);
        if (!isfinite(piece.slope) || !isfinite(piece.intercept))
            fail_table(s->curve, " needs a slope that no float holds, at x = %.9g", points[i].x);
        push_piece(arena, &list, piece);
    }
    push_piece(arena, &list,
               (struct piece){points[pieces - 1].x, INFINITY, right.slope, right.intercept});
    return new_table(arena, list);
}

/* The root-mean-square distance under the histogram. */
static double mean_error(const struct search *s, const struct table *table)
{
    double sum = 0;
    int piece = 0;
    for (int i = 0; i < s->sample_count; i++) {
        const struct sample *p = &s->samples[i];
        while (p->x > table->pieces[piece].to)
            piece++;
        double e = piece_value(&table->pieces[piece], p->x) - p->f;
        sum += p->seen * e * e;
    }
    return sqrt(sum);
}

/* The table of one line, where both tails are the same and it is near enough; else NULL. */
static struct table *one_line(const struct search *s, struct arena *arena)
{
    struct line line = s->tails[0], other = s->tails[1];
    struct piece_list list = {0};
    double cost = s->tail_cost[0][s->count - 1];
    for (int i = s->first[s->count - 1]; i < s->sample_count; i++) {
        double e = line_at(line, s->samples[i].x) - s->samples[i].f;
        cost += s->samples[i].weight * e * e;
    }
    if (line.slope != other.slope || line.intercept != other.intercept || cost > s->budget)
        return NULL;
    push_piece(arena, &list, (struct piece){-INFINITY, INFINITY, line.slope, line.intercept});
    return new_table(arena, list);
}

/* The table for the budget of SEARCH, whose candidates are COUNT or so; NULL where these are too
 * few for it, or for as many pieces as it needs. */
static struct table *try_candidates(struct search *s, struct arena *arena, int count, double eps)
{
    enum { CANDIDATES_A_PIECE = 6 };
    int pieces, end;
    choose_candidates(s, count);
    take_samples(s);
    find_costs(s);
    s->budget = (1 - EVEN_SHARE) * eps * eps;
    struct table *table = one_line(s, arena);
    if (table)
        return table;
    if (!run_search(s, &pieces, &end))
        return NULL;
    if (pieces * CANDIDATES_A_PIECE > s->count && count < MOST_CANDIDATES)
        return NULL;
    table = table_of_chain(s, arena, pieces, trace_chain(s, pieces, end));
    table->mean_error = mean_error(s, table);
    return table;
}

struct table *weighted_table(struct arena *arena, const struct curve *curve)
{
    const struct curve_row *row = row_of(curve);
    struct search s = {.curve = curve,
                       .tails = {row->asymptote(curve, -1), row->asymptote(curve, 1)}};
    struct table *table = NULL;
    double goal = curve->k - curve->deviation, eps = goal;
    choose_range(&s);
    for (int attempt = 0; attempt < ATTEMPTS && eps > 0; attempt++) {
        table = NULL;
        for (int count = FIRST_CANDIDATES; !table && count <= MOST_CANDIDATES; count *= 2) {
            s.sample_count = 0;
            s.arena = arena_new();
            table = try_candidates(&s, arena, count, eps);
            arena_free(s.arena);
        }
        if (!table)
            fail_table(curve, " needs more pieces than its %d candidates give; choose a larger eps",
                       MOST_CANDIDATES);
        if (table->mean_error <= goal)
            return table;
        eps *= 0.999 * goal / table->mean_error; /* what rounding to floats added */
    }
    fail_table(curve, " is finer than floats hold a table of %s", row->name);
}
