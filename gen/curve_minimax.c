/*
 * curve_minimax: the fewest straight pieces that stay within eps of a curve.
 *
 * A continuous table within eps of f is a path of straight links through the tube between f - eps
 * and f + eps, from the asymptote on the left to the one on the right. The path with the fewest
 * links is found greedily (Imai and Iri 1986; Suri 1986): what one link more can reach ends at a
 * window, a stretch of the straightest continuation of the path, and the next link leaves through
 * that window and goes as far as any such line can. Which lines these are, given the points they
 * must stay above and below, is kept up from left to right by two convex hulls (O'Rourke 1981).
 *
 * The tube's walls are straight between samples of f, so close that a chord is nearer to f than
 * FINENESS eps: the path is the shortest for an eps that is so much smaller. Its bound is then
 * proven for the curve itself, as for every table.
 */
#include "curve_kind.h"

#include <string.h>

#define FINENESS 1e-5
#define COARSE   1e-3 /* where links are counted, of a path that is not used */
enum { MOST_SAMPLES = 1 << 22, MANY_SAMPLES = 1 << 17, ATTEMPTS = 12 };

static double line_at(struct line line, double x)
{
    return line.slope * x + line.intercept;
}

static struct line line_of(struct curve_point a, struct curve_point b)
{
    double slope = (b.y - a.y) / (b.x - a.x);
    return (struct line){slope, a.y - slope * a.x};
}

/* ---- lines that stay above some points and below others ---- */

/* A convex chain of points, x increasing: the part of the lower or upper points that lines can
 * touch. */
struct hull {
    struct curve_point *points;
    int count;
    int sign; /* +1: of points that lines stay above, bent down; -1: below, bent up */
};

static double slope_to(const struct hull *hull, int i, struct curve_point p)
{
    return hull->sign * (p.y - hull->points[i].y) / (p.x - hull->points[i].x);
}

static void hull_add(struct hull *hull, struct curve_point p)
{
    struct curve_point *h = hull->points;
    while (hull->count > 1 &&
           hull->sign *
                   ((h[hull->count - 1].y - h[hull->count - 2].y) * (p.x - h[hull->count - 1].x) -
                    (p.y - h[hull->count - 1].y) * (h[hull->count - 1].x - h[hull->count - 2].x)) <=
               0)
        hull->count--;
    h[hull->count++] = p;
}

/* The line through P, which is on the right of HULL, that touches HULL. */
static struct line hull_tangent(const struct hull *hull, struct curve_point p)
{
    int low = 0, high = hull->count - 1;
    while (low < high) {
        int middle = (low + high) / 2;
        if (slope_to(hull, middle + 1, p) < slope_to(hull, middle, p))
            low = middle + 1;
        else
            high = middle;
    }
    return line_of(hull->points[low], p);
}

/* The lines above all points of `lower` and below all of `upper`, by the two extreme ones. */
struct fan {
    struct hull lower, upper;
    bool has_least, has_most;
    struct line least, most;            /* of the least and the greatest slope */
    double least_contact, most_contact; /* x where they touch a lower and an upper point last */
};

static void fan_reset(struct fan *fan)
{
    fan->lower.count = fan->upper.count = 0;
    fan->has_least = fan->has_most = false;
}

/* Lines stay above (below) P, on the right of all points so far; false: none does, FAN is as it
 * was. */
static bool fan_above(struct fan *fan, struct curve_point p)
{
    if (fan->has_most && p.y > line_at(fan->most, p.x))
        return false;
    if (fan->upper.count > 0 && (!fan->has_least || p.y > line_at(fan->least, p.x))) {
        fan->least = hull_tangent(&fan->upper, p);
        fan->least_contact = p.x;
        fan->has_least = true;
    }
    hull_add(&fan->lower, p);
    return true;
}

static bool fan_below(struct fan *fan, struct curve_point p)
{
    if (fan->has_least && p.y < line_at(fan->least, p.x))
        return false;
    if (fan->lower.count > 0 && (!fan->has_most || p.y < line_at(fan->most, p.x))) {
        fan->most = hull_tangent(&fan->lower, p);
        fan->most_contact = p.x;
        fan->has_most = true;
    }
    hull_add(&fan->upper, p);
    return true;
}

/* A line in the middle of FAN, by the angle. */
static struct line fan_middle(const struct fan *fan)
{
    if (!fan->has_least || !fan->has_most)
        return fan->has_most ? fan->most : fan->least;
    double low = fan->least.slope, high = fan->most.slope;
    double middle = tan((atan(low) + atan(high)) / 2);
    double share = high > low ? (middle - low) / (high - low) : 0;
    return (struct line){low + share * (high - low),
                         fan->least.intercept +
                             share * (fan->most.intercept - fan->least.intercept)};
}

/* ---- the tube ---- */

/* A stretch of a line: from the last point where it touches the tube's wall to where it leaves the
 * tube, through the upper wall (+1) or the lower (-1). */
struct window {
    struct line line;
    double from, to;
    int leaves;
};

struct tube {
    const struct curve_point *points; /* of f: x increasing; beyond the ends f is left and right */
    int count;
    double eps;
    struct line left, right;
    /* Where `right`, followed to the left, leaves the tube, and through which wall; 0: it does not,
     * and goes on to the first point. */
    double entry;
    int entry_wall;
    struct fan fan;
};

/* How far LINE at point I is inside the wall on side SIGN. */
static double clearance(const struct tube *tube, struct line line, int i, int sign)
{
    struct curve_point p = tube->points[i];
    return tube->eps - sign * (line_at(line, p.x) - p.y);
}

/* Follow LINE from the first point to the right (STEP 1), or from the last one to the left (-1), to
 * where it leaves the tube: sets *X; gives the wall, 0 where it does not leave. */
static int follow(const struct tube *tube, struct line line, int step, double *x)
{
    int i = step > 0 ? 0 : tube->count - 1;
    for (int last = i; i >= 0 && i < tube->count; last = i, i += step)
        for (int sign = -1; sign <= 1; sign += 2) {
            double outside = -clearance(tube, line, i, sign);
            if (outside <= 0)
                continue;
            double inside = fmax(clearance(tube, line, last, sign), 0);
            double share = i == last ? 0 : inside / (inside + outside);
            *x = tube->points[last].x + share * (tube->points[i].x - tube->points[last].x);
            return sign;
        }
    *x = tube->points[step > 0 ? tube->count - 1 : 0].x;
    return 0;
}

/* The index of the first point beyond X. */
static int point_after(const struct tube *tube, double x)
{
    int low = 0, high = tube->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (tube->points[middle].x > x)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- one link ---- */

/* A point that a link must stay on one side of: below it (wall +1) or above (-1). */
struct limit {
    struct curve_point point;
    int wall;
};

/* What one link can do that sets out from a window. Where the path leaves through the upper wall,
 * the link goes on below it: it stays above the window's first point, from there on above the lower
 * wall, below the window's last point, and from there on below the upper wall. All is turned upside
 * down (`up` -1) where the path leaves through the lower wall, so that only this case is left.
 *
 * A link with a goal also meets the line `right` behind its entry. Where that line comes in from
 * below the lower wall (goal -1), the link stays above the lower wall as far as the entry, and
 * ends below the line; the other way round for +1. */
struct sweep {
    struct tube *tube;
    struct window window;
    int up, goal;
    struct limit limits[3]; /* of the window's end, the entry, the last point: x increasing */
    int limit_count;
    struct curve_point last[2]; /* points of the lower and the upper wall that were passed last */
};

static struct curve_point on_line(const struct sweep *sweep, struct line line, double x)
{
    return (struct curve_point){x, sweep->up * line_at(line, x)};
}

static void add_limit(struct sweep *sweep, struct curve_point point, int wall)
{
    int i = sweep->limit_count++;
    for (; i > 0 && sweep->limits[i - 1].point.x > point.x; i--)
        sweep->limits[i] = sweep->limits[i - 1];
    sweep->limits[i] = (struct limit){point, wall};
}

/* Keep the lines that are on the right side of POINT; false: none is. */
static bool pass(struct sweep *sweep, struct curve_point point, int wall)
{
    struct fan *fan = &sweep->tube->fan;
    if (!(wall > 0 ? fan_below(fan, point) : fan_above(fan, point)))
        return false;
    sweep->last[wall > 0] = point;
    return true;
}

/* Pass the wall of point I; true where it counts. */
static bool pass_wall(struct sweep *sweep, int i, int wall)
{
    const struct tube *tube = sweep->tube;
    struct curve_point p = tube->points[i];
    bool before = wall > 0 && p.x <= sweep->window.to;
    bool behind = wall == sweep->goal && p.x > tube->entry;
    p.y = sweep->up * p.y + wall * tube->eps;
    return before || behind || pass(sweep, p, wall);
}

/* Set off, and go on as long as a line passes. Gives the wall that none gets past, with the point
 * before which that happens in *BARRIER; 0 where lines reach the end. */
static int run_sweep(struct sweep *sweep, struct curve_point *barrier)
{
    const struct tube *tube = sweep->tube;
    int next = 0;
    fan_reset(&sweep->tube->fan);
    pass(sweep, on_line(sweep, sweep->window.line, sweep->window.from), -1);
    for (int i = point_after(tube, sweep->window.from); i <= tube->count; i++) {
        double x = i < tube->count ? tube->points[i].x : INFINITY;
        for (; next < sweep->limit_count && sweep->limits[next].point.x <= x; next++)
            if (!pass(sweep, sweep->limits[next].point, sweep->limits[next].wall))
                return sweep->limits[next].wall; /* only with a goal: *BARRIER is not wanted */
        for (int wall = 1; wall >= -1 && i < tube->count; wall -= 2)
            if (!pass_wall(sweep, i, wall)) {
                *barrier = tube->points[i];
                barrier->y = sweep->up * barrier->y + wall * tube->eps;
                return wall;
            }
    }
    return 0;
}

static struct sweep sweep_from(struct tube *tube, const struct window *window, int goal)
{
    struct sweep sweep = {
        .tube = tube, .window = *window, .up = window->leaves, .goal = goal * window->leaves};
    add_limit(&sweep, on_line(&sweep, window->line, window->to), 1);
    if (sweep.goal) {
        add_limit(&sweep, on_line(&sweep, tube->right, tube->entry), sweep.goal);
        add_limit(&sweep, on_line(&sweep, tube->right, tube->points[tube->count - 1].x),
                  -sweep.goal);
    }
    return sweep;
}

/* A link from WINDOW to the line on the right; false where one is not enough. */
static bool last_link(struct tube *tube, const struct window *window, struct line *link)
{
    for (int goal = -1; goal <= 1; goal += 2) {
        struct curve_point unused;
        struct sweep sweep = sweep_from(tube, window, goal);
        if (tube->entry_wall == -goal || run_sweep(&sweep, &unused) != 0)
            continue;
        *link = fan_middle(&tube->fan);
        link->slope *= sweep.up;
        link->intercept *= sweep.up;
        return true;
    }
    return false;
}

/* The window of the link that goes farthest from WINDOW. Where lines reach the end of the tube but
 * not the line on the right, they leave at the end, on the side on which they pass it. */
static struct window next_window(struct tube *tube, const struct window *window)
{
    struct curve_point barrier = tube->points[tube->count - 1];
    struct sweep sweep = sweep_from(tube, window, 0);
    const struct fan *fan = &tube->fan;
    int wall = run_sweep(&sweep, &barrier);
    double to = barrier.x;
    if (wall == 0) {
        double target = sweep.up * line_at(tube->right, to);
        wall = fan->has_least && line_at(fan->least, to) > target ? 1 : -1;
    }
    struct line line = wall > 0 ? fan->least : fan->most;
    struct curve_point last = sweep.last[wall > 0];
    double outside = wall * (line_at(line, to) - barrier.y);
    double inside = fmax(wall * (last.y - line_at(line, last.x)), 0);
    if (outside > 0)
        to = last.x + inside / (inside + outside) * (to - last.x);
    double from = wall > 0 ? fan->least_contact : fan->most_contact;
    line.slope *= sweep.up;
    line.intercept *= sweep.up;
    return (struct window){line, fmin(from, to), to, wall * sweep.up};
}

/* ---- the path ---- */

struct path {
    struct line lines[LARGEST_TABLE + 1];
    double breaks[LARGEST_TABLE + 1]; /* between a line and the next */
    int count;                        /* lines */
};

/* Where two lines cross, as near to that as FROM .. TO allows. */
static double crossing(struct line a, struct line b, double from, double to)
{
    double x = (b.intercept - a.intercept) / (a.slope - b.slope);
    return isfinite(x) ? fmin(fmax(x, from), to) : to;
}

static void add_line(struct path *path, double x, struct line line)
{
    path->breaks[path->count - 1] = x;
    path->lines[path->count++] = line;
}

/* The shortest path; false where it has more than LARGEST_TABLE links. */
static bool find_path(struct tube *tube, struct path *path)
{
    struct line left = tube->left, right = tube->right, link;
    double start = tube->points[0].x, end = tube->points[tube->count - 1].x;
    struct window window = {.line = left, .from = start};
    tube->entry_wall = follow(tube, right, -1, &tube->entry);
    window.leaves = follow(tube, left, 1, &window.to);
    path->lines[0] = left;
    path->count = 1;
    if (window.leaves == 0) {
        if (left.slope == right.slope && left.intercept == right.intercept)
            return true;
        window.leaves = line_at(left, end) > line_at(right, end) ? 1 : -1;
    }
    double x = (right.intercept - left.intercept) / (left.slope - right.slope);
    if (x >= tube->entry && x <= window.to) {
        add_line(path, x, right);
        return true;
    }
    while (path->count + 1 < LARGEST_TABLE) {
        bool done = last_link(tube, &window, &link);
        struct window next = {.line = link};
        if (!done)
            next = next_window(tube, &window);
        add_line(path, crossing(window.line, next.line, window.from, window.to), next.line);
        if (done) {
            add_line(path, crossing(link, right, tube->entry, end), right);
            return true;
        }
        if (next.to <= window.to && next.to < end)
            return false; /* the tube is too narrow for the digits of a double */
        window = next;
    }
    return false;
}

/* ---- from a path to a table ---- */

/* The path's links through break points that floats hold, each as high as the lines that meet
 * there say. */
static struct table *table_of(struct arena *arena, const struct curve *curve,
                              const struct path *path)
{
    struct piece_list list = {0};
    struct curve_point last = {-INFINITY, 0};
    int count = path->count;
    for (int i = 0; i < count; i++) {
        struct curve_point next = {INFINITY, 0};
        if (i + 1 < count) {
            next.x = as_float(path->breaks[i]) + 0.0; /* 0 for -0: tables are compared as text */
            double a = line_at(path->lines[i], next.x), b = line_at(path->lines[i + 1], next.x);
            next.y = i == 0 ? a : i + 2 == count ? b : (a + b) / 2;
        }
        if (next.x <= last.x)
            fail_table(curve, " needs break points closer than floats, at x = %.9g", last.x);
        struct piece piece = {last.x, next.x, path->lines[i].slope, path->lines[i].intercept};
        if (i > 0 && i + 1 < count)
            piece = line_through(last, next);
        if (!isfinite(piece.slope) || !isfinite(piece.intercept))
            fail_table(curve, " needs a slope that no float holds, at x = %.9g", last.x);
        push_piece(arena, &list, piece);
        last = next;
    }
    return new_table(arena, list);
}

static void need_path(struct tube *tube, const struct curve *curve, struct path *path)
{
    if (!find_path(tube, path))
        fail_table(curve, " needs more than %d pieces; choose a larger eps", LARGEST_TABLE);
}

/* The shortest path for EPS, and among those with as few links one for nearly the least eps. */
static void find_best_path(struct tube *tube, const struct curve *curve, double eps,
                           struct path *path)
{
    double low = 0, high = eps;
    tube->eps = eps;
    need_path(tube, curve, path);
    int count = path->count;
    int halvings = tube->count > MANY_SAMPLES ? 2 : 12;
    for (int i = 0; i < halvings && count > 2; i++) {
        tube->eps = (low + high) / 2;
        *(find_path(tube, path) && path->count == count ? &high : &low) = tube->eps;
    }
    tube->eps = high;
    need_path(tube, curve, path);
}

/* The tube around the chain of POINTS that goes on along LEFT and RIGHT, narrower than CURVE's k by
 * what the chain may be off: a share FINENESS. */
static struct tube new_tube(struct arena *arena, const struct curve *curve,
                            const struct point_list *points, struct line left, struct line right,
                            double fineness)
{
    struct tube tube = {
        .points = points->items, .count = points->count, .left = left, .right = right};
    struct hull *hulls[] = {&tube.fan.lower, &tube.fan.upper};
    tube.eps = (curve->k - curve->deviation) * (1 - 2 * fineness);
    for (int i = 0; i < 2; i++) {
        hulls[i]->points = arena_array(arena, (size_t)points->count + 8, struct curve_point);
        hulls[i]->sign = i == 0 ? 1 : -1;
    }
    return tube;
}

/* The shortest path through TUBE as a table whose value_error is within curve->k. */
static struct table *table_through(struct arena *arena, const struct curve *curve, struct tube tube)
{
    struct path *path = arena_new_of(arena, struct path);
    double eps = tube.eps;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        find_best_path(&tube, curve, eps, path);
        struct table *table = table_of(arena, curve, path);
        table->value_error = table_error(curve, table, false);
        if (table->value_error <= curve->k)
            return table;
        eps = fmin(eps, tube.eps - 1.5 * (table->value_error - curve->k));
        if (!(eps > 0))
            break;
    }
    fail_table(curve, " is finer than floats hold a table of %s", curve_kind_name(curve->kind));
}

struct table *shortest_table(struct arena *arena, const struct curve *curve,
                             const struct point_list *points, struct line left, struct line right)
{
    return table_through(arena, curve, new_tube(arena, curve, points, left, right, FINENESS));
}

/* ---- samples of a curve ---- */

/* Samples of the residue's side, t increasing: chords within DEVIATION of the curve, proven. */
static void sample_side(struct arena *arena, const struct curve *curve, int side, double a,
                        double b, double deviation, struct point_list *list)
{
    const struct curve_row *row = row_of(curve);
    bool kink = a < row->kink && b > row->kink;
    double start = a == row->kink ? nextafter(a, INFINITY) : a;
    double bend = range_magnitude(row->residue(curve, side, (struct range){start, b}).bend);
    double middle = kink ? row->kink : a + (b - a) / 2;
    if ((bend * (b - a) * (b - a) / 8 > deviation || kink) && middle > a && middle < b) {
        sample_side(arena, curve, side, a, middle, deviation, list);
        sample_side(arena, curve, side, middle, b, deviation, list);
        return;
    }
    if (list->count >= MOST_SAMPLES)
        fail_table(curve, " needs more than %d pieces; choose a larger eps", LARGEST_TABLE);
    struct curve_point point = {side * b, curve_value(curve, side * b)};
    vector_push(arena, list, point);
}

/* The tube around samples of CURVE whose chords are within FINENESS of curve->k. */
static struct tube tube_of(struct arena *arena, const struct curve *curve, double fineness)
{
    const struct curve_row *row = row_of(curve);
    struct point_list left = {0}, all = {0};
    if (curve_is_measured(curve)) {
        all = (struct point_list){(struct curve_point *)curve->points, curve->point_count, 0};
        return new_tube(arena, curve, &all, curve->tails[0], curve->tails[1], fineness);
    }
    double ends = fmax(nearest_end(curve, -1, curve->k / 2), nearest_end(curve, 1, curve->k / 2));
    double reach = curve->max > 0 ? fmax(curve->max, ends) : 4 * ends + 4;
    double deviation = curve->k * fineness;
    sample_side(arena, curve, -1, 0, reach, deviation, &left);
    for (int i = left.count - 1; i >= 0; i--)
        vector_push(arena, &all, left.items[i]);
    struct curve_point origin = {0, curve_value(curve, 0)};
    vector_push(arena, &all, origin);
    sample_side(arena, curve, 1, 0, reach, deviation, &all);
    return new_tube(arena, curve, &all, row->asymptote(curve, -1), row->asymptote(curve, 1),
                    fineness);
}

struct table *minimax_table(struct arena *arena, const struct curve *curve)
{
    return table_through(arena, curve, tube_of(arena, curve, FINENESS));
}

int minimax_count(const struct curve *curve)
{
    struct arena *arena = arena_new();
    struct tube tube = tube_of(arena, curve, COARSE);
    struct path *path = arena_new_of(arena, struct path);
    int count = find_path(&tube, path) ? path->count : LARGEST_TABLE + 1;
    arena_free(arena);
    return count;
}
